/** Doctor's look whether the limit of open files, which workers are likely to have as well, is enough for one. */

import type { Settings } from '../../config/settings.ts';
import { fewFiles } from '../../process/open-files.ts';
import type { Finding } from './finding.ts';

export function checkOpenFiles({ worker: { concurrency } }: Pick<Settings, 'worker'>): Finding[] {
  const few = fewFiles(concurrency);
  return few === null ? [] : [{ level: 'warn', check: 'open-files', ...few }];
}
