/** `npm run docs`: writes the pages that are made from code. */

import { writeFile } from 'node:fs/promises';
import { metricsReference } from '../src/dashboard/metrics/reference.ts';
import { configurationReference } from '../src/config/reference.ts';

await writeFile(new URL('../docs/metrics.md', import.meta.url), metricsReference());
await writeFile(new URL('../docs/configuration.md', import.meta.url), configurationReference());
