#!/usr/bin/env node
/** `pgvector-backfill <verb>`: the same verbs as the npm scripts. */

import { BackfillError } from '../src/errors.ts';
import { explainedByFiles } from '../src/process/open-files.ts';
import { hearSignals } from '../src/cli/signals.ts';

// Before the rest is so much as loaded, which an import of this file's own would be.
hearSignals();
try {
  const { runProgram } = await import('./lib/program.ts');
  process.exitCode = await runProgram(process.argv.slice(2));
} catch (error) {
  // A verb tells its own errors: this is one of loading it.
  const explained = explainedByFiles(error);
  if (!(explained instanceof BackfillError)) throw error;
  const { code, message, remedy } = explained;
  if (process.argv.includes('--json'))
    process.stdout.write(`${JSON.stringify({ error: { code, message, remedy } })}\n`);
  process.stderr.write(`error ${code}: ${message}\n${remedy}\n`);
  process.exitCode = 2;
}
