#!/usr/bin/env node
/** `pgvector-backfill <verb>`: the same verbs as the npm scripts. */

import { hearSignals } from './lib/signals.ts';

// Before the rest is so much as loaded, which an import of this file's own would be.
hearSignals();
const { runProgram } = await import('./lib/program.ts');
process.exitCode = await runProgram(process.argv.slice(2));
