/** How a file of ours is started as a process of its own: through tsx from source, as it is once compiled. */

import { fork, type ChildProcess, type StdioOptions } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { childEnvironment } from './child-environment.ts';

export interface ForkOptions {
  args?: string[];
  /** Beside what Node needs: for what must not stand in the list of processes. */
  env?: Readonly<Record<string, string>>;
  stdio?: StdioOptions;
  /** Not in this process's group: Ctrl-C in the terminal does not reach it. */
  detached?: boolean;
}

const ROOT = new URL('../../', import.meta.url);
/** Where the sources of this process lie compiled; null where that is not known. */
let compiled: URL | null = null;

/** From here on entries are started from `folder`, which `npm run build` has written: without a loader they start in a third of the time. */
export function startEntriesFrom(folder: URL): void {
  compiled = folder;
}

/** `source` is the entry's URL with the ending .ts, as written beside the caller. Messages may hold typed arrays. */
export function forkEntry(source: URL, { args = [], env = {}, ...options }: ForkOptions = {}): ChildProcess {
  const { entry, execArgv } = entryOf(source);
  return fork(fileURLToPath(entry), args, {
    ...options,
    execArgv,
    env: { ...childEnvironment(), ...env },
    serialization: 'advanced',
  });
}

function entryOf(source: URL): { entry: URL; execArgv: string[] } {
  // Not the parent's own arguments: under a test runner or a debugger those are not for us.
  if (!import.meta.url.endsWith('.ts')) return { entry: compiledName(source), execArgv: [] };
  if (compiled !== null && source.href.startsWith(ROOT.href))
    return { entry: new URL(compiledName(source).href.slice(ROOT.href.length), compiled), execArgv: [] };
  // `import.meta.resolve` is not there under a test runner.
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return { entry: source, execArgv: ['--import', loader] };
}

const compiledName = (source: URL): URL => new URL(source.href.replace(/\.ts$/, '.js'));
