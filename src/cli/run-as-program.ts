/** Each file of `scripts/` is a program of its own, and a module of the bin. */

import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tolerateClosedPipes } from '../terminal/terminal.ts';
import type { Command } from './command.ts';
import { runToEnd } from './run-command.ts';
import { hearSignals } from './signals.ts';

/** Runs the verb if its file was started as a program, not imported. The exit code is set, not forced, so that output is flushed. */
export async function runAsProgram(command: Command, meta: ImportMeta): Promise<void> {
  const started = process.argv[1];
  if (started === undefined || !existsSync(started) || realpathSync(started) !== fileURLToPath(meta.url))
    return;
  hearSignals();
  tolerateClosedPipes();
  process.exitCode = await runToEnd(command, process.argv.slice(2));
}
