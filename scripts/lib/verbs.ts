/** Every verb of the program, by its name. */

import type { Command } from '../../src/cli/command.ts';

/** Loaded one at a time: `status` should not wait for the model runtime to load. */
export const VERBS: Record<string, () => Promise<Command>> = {
  demo: async () => (await import('../demo.ts')).demo,
  doctor: async () => (await import('../doctor.ts')).doctor,
  enqueue: async () => (await import('../enqueue.ts')).enqueueCommand,
  worker: async () => (await import('../worker.ts')).worker,
  status: async () => (await import('../status.ts')).status,
  pause: async () => (await import('../pause.ts')).pauseCommand,
  resume: async () => (await import('../resume.ts')).resumeCommand,
  tune: async () => (await import('../tune.ts')).tune,
  retry: async () => (await import('../retry.ts')).retryCommand,
  finalize: async () => (await import('../finalize.ts')).finalizeCommand,
  verify: async () => (await import('../verify.ts')).verifyCommand,
  audit: async () => (await import('../audit.ts')).auditCommand,
  watch: async () => (await import('../watch.ts')).watchCommand,
  cutover: async () => (await import('../cutover.ts')).cutover,
  rollback: async () => (await import('../rollback.ts')).rollback,
  complete: async () => (await import('../complete.ts')).complete,
  abandon: async () => (await import('../abandon.ts')).abandon,
  search: async () => (await import('../search.ts')).search,
  model: async () => (await import('../model.ts')).model,
  mask: async () => (await import('../mask.ts')).mask,
  dashboard: async () => (await import('../dashboard.ts')).dashboard,
  completion: async () => (await import('../completion.ts')).completion,
  'compare-models': async () => (await import('../compare-models.ts')).compareModelsCommand,
  'train-model': async () => (await import('../train-model.ts')).trainModelCommand,
};
