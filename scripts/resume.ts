import { resume } from '../src/planning/pause.ts';
import { parseGenerationName, showGeneration } from '../src/config/values/generation-name.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { prepareQueues, withQueues } from '../src/planning/open-queues.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { OPEN_GENERATION_FLAG, withOpenGeneration } from '../src/cli/session.ts';

export const resumeCommand: Command = {
  name: 'resume',
  summary: 'A paused run goes on; one that failed is tried again, its cause being repaired.',
  flags: OPEN_GENERATION_FLAG,
  async run(invocation) {
    const asked = await invocation.config(['text']);
    const logger = invocation.logger(asked.settings.logLevel);
    return withOpenGeneration(invocation, asked, 'resume', logger, async (pool, config) => {
      const before = await requireRun(pool, config.backfill);
      const address = await prepareQueues(config, pool, logger);
      const run = await withQueues(address, (queues) =>
        resume({ pool, settings: config.settings, queues }, before),
      );
      const { id, state, reason, mended } = run;
      invocation.emit({ ...parseGenerationName(config.backfill), run: id, state, reason, mended });
      for (const sentence of mended) invocation.say(`Mended: ${sentence}.`);
      invocation.say(
        `Run ${id} of ${showGeneration(config.backfill)} is ${state}. Next: pgvector-backfill worker, pgvector-backfill status --watch`,
      );
      return EXIT.done;
    });
  },
};

await runAsProgram(resumeCommand, import.meta);
