/** Runs a verb as a user would, in a process of its own. */

import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The object of --json. */
  json: () => unknown;
}

export interface RunningCommand {
  child: ChildProcess;
  /** Resolves with the first line of output (either stream) that matches. */
  waitFor(pattern: RegExp): Promise<string>;
  ended: Promise<CommandResult>;
}

const LOADER = import.meta.resolve('tsx');

export function startCommand(
  verb: string,
  args: string[],
  env: Record<string, string>,
  cwd = process.cwd(),
): RunningCommand {
  const script = fileURLToPath(new URL(`../../scripts/${verb}.ts`, import.meta.url));
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ['--import', LOADER, script, ...args], {
    env: { PATH, HOME, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    for (const look of waiting) look();
  });
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      for (const look of waiting) look();
      resolve({
        code,
        stdout,
        stderr,
        json: () => JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') as unknown,
      });
    });
  });
  const waitFor = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const line = `${stdout}\n${stderr}`.split('\n').find((each) => pattern.test(each));
        if (line === undefined && child.exitCode === null) return;
        waiting.delete(look);
        if (line === undefined)
          reject(new Error(`${verb} ended (${child.exitCode}) before ${pattern}: ${stdout}\n${stderr}`));
        else resolve(line);
      };
      waiting.add(look);
      look();
    });
  return { child, waitFor, ended };
}

export function runCommand(
  verb: string,
  args: string[],
  env: Record<string, string>,
  cwd?: string,
): Promise<CommandResult> {
  return startCommand(verb, args, env, cwd).ended;
}
