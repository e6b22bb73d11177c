/** The program's verbs as processes of their own, as an operator starts them. */

import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { forkEntry } from '../../../src/process/fork-entry.ts';

export type Environment = Readonly<Record<string, string>>;

export interface VerbResult {
  code: number;
  /** The object of --json; null where none was printed. */
  json: Record<string, unknown> | null;
  stderr: string;
}

const start = (args: string[], env: Environment): ChildProcess =>
  forkEntry(new URL('../../cli.ts', import.meta.url), {
    args,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });

/** With --json, to its end. */
export async function runVerb(args: string[], env: Environment): Promise<VerbResult> {
  const child = start([...args, '--json'], env);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const json = stdout.trim() === '' ? null : (JSON.parse(stdout) as Record<string, unknown>);
  return { code: code ?? -1, json, stderr };
}

/** @throws Error where it does not end with 0 */
export async function mustRun(args: string[], env: Environment): Promise<Record<string, unknown>> {
  const { code, json, stderr } = await runVerb(args, env);
  if (code !== 0)
    throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}${JSON.stringify(json)?.slice(0, 2000)}`);
  return json ?? {};
}

/** Killed with SIGKILL as soon as `begun` holds, or at its end. @returns whether it was under way */
export async function killVerb(
  args: string[],
  env: Environment,
  begun: () => Promise<unknown>,
): Promise<boolean> {
  const child = start(args, env);
  child.stdout?.resume();
  child.stderr?.resume();
  const closed = once(child, 'close');
  await Promise.race([begun(), closed]);
  const wasUnderWay = child.exitCode === null;
  child.kill('SIGKILL');
  await closed;
  return wasUnderWay;
}

export interface WorkerProgram {
  /** SIGKILL: nothing of it is drained. */
  kill(): Promise<void>;
  /** SIGTERM, and its end. */
  stop(): Promise<void>;
}

export function startWorkerProgram(env: Environment, onLine: (line: string) => void): WorkerProgram {
  const child = start(['worker'], env);
  child.stderr?.on('data', (chunk: Buffer) => onLine(chunk.toString()));
  child.stdout?.resume();
  const closed = once(child, 'close');
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await closed;
  };
  return { kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}
