/** The inference process as it is started here; the search face, which is one file, has another way to find its own. */

import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { forkEntry } from '../../process/fork-entry.ts';

/** Nothing is heard of it but messages and what the runtime writes to stderr. */
export const startInferenceProcess = (): ChildProcess =>
  forkEntry(new URL('./process.ts', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Ctrl-C in the terminal goes to this process alone: a model that is being loaded would die of it, and a worker that
    // drains still needs its own. It ends with this process, however that ends.
    detached: process.platform !== 'win32',
  });

/** Never called: a file tracer that looks at the compiled program follows it to the file of the process, and a bundler does not. */
startInferenceProcess.traced = (): void => {
  const load = createRequire(import.meta.url);
  load('./process.js');
};
