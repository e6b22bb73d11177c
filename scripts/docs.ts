/** `npm run docs`: writes the pages that are made from code. */

import { writeFile } from 'node:fs/promises';
import { configurationReference } from '../src/config/reference.ts';

await writeFile(new URL('../docs/configuration.md', import.meta.url), configurationReference());
