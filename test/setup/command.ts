/** Runs a verb as a user would: in the test's own process, or in one of its own where processes are the point. */

import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { runCommand as runInProcess } from '../../src/cli/run-command.ts';
import type { Host } from '../../src/cli/host.ts';
import type { Output } from '../../src/terminal/output.ts';
import { VERBS } from '../../scripts/lib/verbs.ts';
import { sharedEmbedder } from './embedder.ts';
import { measured } from './measure.ts';

export interface CommandResult {
  code: number | null;
  /** It did not come to its end, but ended the process. */
  forced?: true;
  stdout: string;
  stderr: string;
  /** The object of --json. */
  json: () => unknown;
}

interface Running {
  /** Resolves with the first line of output (either stream) that matches. */
  waitFor(pattern: RegExp): Promise<string>;
  ended: Promise<CommandResult>;
}

export interface RunningCommand extends Running {
  child: ChildProcess;
}

export interface RunningVerb extends Running {
  /** As SIGTERM does: the first one asks, the second one ends at once. */
  interrupt(): void;
}

export type Surroundings = Pick<Partial<Host>, 'cwd' | 'times' | 'embeddedImage' | 'openEmbedder'>;

/** A program, with its arguments, that is given the command to run, such as a tracer. */
type Under = { under?: readonly string[] };

/** Also what is no verb of the program. */
const PROGRAMS: typeof VERBS = {
  ...VERBS,
  bench: async () => (await import('../../scripts/bench/bench.ts')).bench,
};

const RUN_VERB = fileURLToPath(new URL('./run-verb.mjs', import.meta.url));

/** What is written, and whoever waits for a line of it. */
class Transcript {
  stdout = '';
  stderr = '';
  readonly #waiting = new Set<() => void>();

  readonly add = (stream: 'stdout' | 'stderr', chunk: string): void => {
    this[stream] += chunk;
    this.look();
  };
  look(): void {
    for (const look of this.#waiting) look();
  }
  waitFor(pattern: RegExp, verb: string, ended: () => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const line = `${this.stdout}\n${this.stderr}`.split('\n').find((each) => pattern.test(each));
        if (line === undefined && !ended()) return;
        this.#waiting.delete(look);
        if (line === undefined)
          reject(new Error(`${verb} ended before ${pattern}: ${this.stdout}\n${this.stderr}`));
        else resolve(line);
      };
      this.#waiting.add(look);
      look();
    });
  }
  result(code: number | null): CommandResult {
    const { stdout, stderr } = this;
    return {
      code,
      stdout,
      stderr,
      json: () => JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') as unknown,
    };
  }
}

/** In a process of its own, from the compiled program: for kills, signals and pipes. */
export function startCommand(
  verb: string,
  args: string[],
  env: Record<string, string>,
  { cwd = process.cwd(), times, under = [] }: Surroundings & Under = {},
): RunningCommand {
  const compiled = inject('compiled');
  const script =
    times === undefined
      ? [fileURLToPath(new URL(`scripts/${verb}.js`, compiled))]
      : [RUN_VERB, compiled, verb, JSON.stringify(times)];
  const { PATH, HOME } = process.env;
  const [program, ...before] = [...under, process.execPath];
  const child = spawn(program, [...before, ...script, ...args], {
    env: { PATH, HOME, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const transcript = new Transcript();
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (chunk: string) => transcript.add(stream, chunk));
  const ended = measured(
    'process',
    () =>
      new Promise<CommandResult>((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code) => {
          transcript.look();
          resolve(transcript.result(code));
        });
      }),
  );
  return {
    child,
    ended,
    waitFor: (pattern) =>
      transcript.waitFor(pattern, verb, () => child.exitCode !== null || child.signalCode !== null),
  };
}

/** The same verb in this process: it is given its arguments, environment, streams, interrupts and embedder. */
export function startVerb(
  verb: string,
  args: string[],
  env: Record<string, string>,
  { cwd = process.cwd(), ...surroundings }: Surroundings = {},
): RunningVerb {
  const transcript = new Transcript();
  const interrupts = new EventEmitter();
  let code: number | null = null;
  const output = (stream: 'stdout' | 'stderr'): Output =>
    Object.assign(new EventEmitter(), {
      isTTY: false,
      columns: 0,
      rows: 0,
      write: (chunk: string | Uint8Array) => {
        transcript.add(stream, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
        return true;
      },
    }) as unknown as Output;
  let isForced = false;
  let force: (status: number) => void;
  const forced = new Promise<number>((resolve) => (force = resolve));
  const host: Host = {
    env,
    cwd,
    stdout: output('stdout'),
    stderr: output('stderr'),
    onInterrupt: (listener) => {
      interrupts.on('interrupt', listener);
      return () => void interrupts.off('interrupt', listener);
    },
    exit: (status) => {
      isForced = true;
      force(status);
      throw new Error('the process would end here');
    },
    openEmbedder: sharedEmbedder,
    ...surroundings,
  };
  const load = PROGRAMS[verb];
  if (load === undefined) throw new Error(`there is no verb ${verb}`);
  const ended = load()
    .then((command) => Promise.race([runInProcess(command, args, host), forced]))
    .then((status) => {
      code = status;
      transcript.look();
      return { ...transcript.result(status), ...(isForced ? { forced: true as const } : {}) };
    });
  return {
    ended,
    interrupt: () => void interrupts.emit('interrupt'),
    waitFor: (pattern) => transcript.waitFor(pattern, verb, () => code !== null),
  };
}

export function runCommand(
  verb: string,
  args: string[],
  env: Record<string, string>,
  cwd?: string,
): Promise<CommandResult> {
  return startVerb(verb, args, env, cwd === undefined ? {} : { cwd }).ended;
}
