#!/usr/bin/env node
/** `pgvector-backfill <verb>`: the same verbs as the npm scripts. */

import { EXIT, runCommand, type Command } from './lib/command.ts';

/** Loaded one at a time: `status` should not wait for the model runtime to load. */
const VERBS: Record<string, () => Promise<Command>> = {
  demo: async () => (await import('./demo.ts')).demo,
  doctor: async () => (await import('./doctor.ts')).doctor,
  enqueue: async () => (await import('./enqueue.ts')).enqueueCommand,
  worker: async () => (await import('./worker.ts')).worker,
  status: async () => (await import('./status.ts')).status,
  pause: async () => (await import('./pause.ts')).pauseCommand,
  resume: async () => (await import('./resume.ts')).resumeCommand,
  tune: async () => (await import('./tune.ts')).tune,
  retry: async () => (await import('./retry.ts')).retryCommand,
  finalize: async () => (await import('./finalize.ts')).finalizeCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  cutover: async () => (await import('./cutover.ts')).cutover,
  rollback: async () => (await import('./rollback.ts')).rollback,
  complete: async () => (await import('./complete.ts')).complete,
  search: async () => (await import('./search.ts')).search,
  model: async () => (await import('./model.ts')).model,
  mask: async () => (await import('./mask.ts')).mask,
  dashboard: async () => (await import('./dashboard.ts')).dashboard,
  'train-model': async () => (await import('./train-model.ts')).trainModelCommand,
  bench: async () => (await import('./bench.ts')).bench,
};

const [verb = '', ...rest] = process.argv.slice(2);
const load = VERBS[verb];
if (load !== undefined) process.exitCode = await runCommand(await load(), rest, process.env);
else {
  const asked = verb === '--help' || verb === 'help';
  const usage = `Usage: pgvector-backfill <verb> [flags]\n\nVerbs: ${Object.keys(VERBS).join(', ')}\nEach has --help.\n`;
  (asked ? process.stdout : process.stderr).write(
    asked || verb === '' ? usage : `error USAGE: there is no verb ${JSON.stringify(verb)}.\n${usage}`,
  );
  process.exitCode = asked ? EXIT.done : EXIT.usage;
}
