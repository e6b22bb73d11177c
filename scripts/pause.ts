import { pause } from '../src/planning/pause.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { withDatabase } from '../src/cli/session.ts';

export const pauseCommand: Command = {
  name: 'pause',
  summary:
    'Stops the run between batches, on every worker: those in flight end, no other begins. `resume` goes on.',
  flags: { reason: { type: 'string', value: 'TEXT', help: 'Kept with the run and shown by `status`' } },
  async run(invocation) {
    const config = await invocation.config(['text']);
    const { reason } = invocation.flags;
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'pause', logger, async (pool) => {
      const why = typeof reason === 'string' && reason.trim() !== '' ? `: ${reason.trim()}` : '';
      const before = await requireRun(pool, config.backfill);
      const run = await pause(pool, before, `paused by the operator${why}`);
      const { state } = run;
      invocation.emit({ backfill: config.backfill, run: run.id, state, reason: run.reason });
      invocation.say(
        state === 'paused'
          ? `Run ${run.id} of ${config.backfill} is paused. Next: pgvector-backfill resume`
          : `Run ${run.id} of ${config.backfill} is ${state}: there is nothing to pause.`,
      );
      return state === 'paused' ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(pauseCommand, import.meta);
