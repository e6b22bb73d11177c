/** The inference process as it is started here; the search face, which is one file, has another way to find its own. */

import type { ChildProcess } from 'node:child_process';
import { forkEntry } from '../fork-entry.ts';

/** Nothing is heard of it but messages and what the runtime writes to stderr. */
export const startInferenceProcess = (): ChildProcess =>
  forkEntry(new URL('./inference-process.ts', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
