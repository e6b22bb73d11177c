/** How a file of ours is started as a process of its own: through tsx from source, as it is once compiled. */

import { fork, type ChildProcess, type StdioOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ForkOptions {
  args?: string[];
  env?: NodeJS.ProcessEnv;
  stdio?: StdioOptions;
}

/** `source` is the entry's URL with the ending .ts, as written beside the caller. Messages may hold typed arrays. */
export function forkEntry(source: URL, { args = [], ...options }: ForkOptions = {}): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const entry = fromSource ? source : new URL(source.href.replace(/\.ts$/, '.js'));
  return fork(fileURLToPath(entry), args, {
    ...options,
    // Not the parent's own: under a test runner or a debugger those are not for us.
    execArgv: fromSource ? ['--import', import.meta.resolve('tsx')] : [],
    serialization: 'advanced',
  });
}
