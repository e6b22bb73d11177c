import { pause } from '../src/planning/pause.ts';
import { parseGenerationName, showGeneration } from '../src/config/values/generation-name.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { OPEN_GENERATION_FLAG, withOpenGeneration } from '../src/cli/session.ts';

export const pauseCommand: Command = {
  name: 'pause',
  summary:
    'Stops the run between batches, on every worker: those in flight end, no other begins. `resume` goes on.',
  flags: {
    reason: { type: 'string', value: 'TEXT', help: 'Kept with the run and shown by `status`' },
    ...OPEN_GENERATION_FLAG,
  },
  async run(invocation) {
    const asked = await invocation.config(['text']);
    const { reason } = invocation.flags;
    const logger = invocation.logger(asked.settings.logLevel);
    return withOpenGeneration(invocation, asked, 'pause', logger, async (pool, config) => {
      const why = typeof reason === 'string' && reason.trim() !== '' ? `: ${reason.trim()}` : '';
      const before = await requireRun(pool, config.backfill);
      const run = await pause(pool, before, `paused by the operator${why}`);
      const { state } = run;
      invocation.emit({ ...parseGenerationName(config.backfill), run: run.id, state, reason: run.reason });
      invocation.say(
        state === 'paused'
          ? `Run ${run.id} of ${showGeneration(config.backfill)} is paused. Next: pgvector-backfill resume`
          : `Run ${run.id} of ${showGeneration(config.backfill)} is ${state}: there is nothing to pause.`,
      );
      return state === 'paused' ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(pauseCommand, import.meta);
