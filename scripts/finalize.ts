import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { findIndex, wantedIndex } from '../src/finalize/index-definition.ts';
import { reopenFailedRun } from '../src/ledger/run/move-run.ts';
import { addFinalizeJob } from '../src/queue/jobs/producer.ts';
import { parseGenerationName } from '../src/config/values/generation-name.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { prepareQueues, withQueues } from '../src/planning/open-queues.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { OPEN_GENERATION_FLAG, withGeneration, withOpenGeneration } from '../src/cli/session.ts';
import { watchBuild } from '../src/cli/watch-build.ts';
import { askForRebuild } from './lib/rebuild.ts';

export const finalizeCommand: Command = {
  name: 'finalize',
  summary: 'Asks for the index build now, whatever the coverage. A worker with the finalize role does it.',
  flags: {
    watch: { type: 'boolean', help: 'Show the build until the run is ready, or waits for the operator' },
    rebuild: {
      type: 'boolean',
      help: 'Build the index of the live generation again, beside the present one: for one that has worn out (pgvector-backfill watch)',
    },
    ...OPEN_GENERATION_FLAG,
  },
  async run(invocation) {
    const asked = await invocation.config();
    const logger = invocation.logger(asked.settings.logLevel);
    if (invocation.flags['rebuild'] === true)
      return withGeneration(invocation, asked, 'finalize', logger, (pool, config) =>
        askForRebuild(invocation, pool, config, logger),
      );
    return withOpenGeneration(invocation, asked, 'finalize', logger, async (pool, config) => {
      const run = await requireRun(pool, config.backfill);
      const target = await describeTarget(pool, config.backfill, config.settings);
      const wanted = wantedIndex(target, config.settings, 0);
      const { kind } = await findIndex(pool, target, wanted);
      const address = await prepareQueues(config, pool, logger);
      await reopenFailedRun(pool, run.id);
      const asked = await withQueues(address, (queues) => addFinalizeJob(queues.finalize, run.uid, 'asked'));
      if (invocation.flags['watch'] !== true)
        invocation.emit({
          ...parseGenerationName(config.backfill),
          run: run.id,
          asked,
          index: { name: wanted.name, found: kind },
        });
      invocation.say(
        asked
          ? `Asked for ${wanted.name} (now: ${kind}). A worker builds it; pgvector-backfill status --watch shows how far it is.`
          : 'A finalizer is on its way already.',
      );
      if (invocation.flags['watch'] !== true) return EXIT.done;
      const { state } = await watchBuild(invocation, pool, config.backfill);
      if (state === 'failed') return EXIT.failed;
      return state === 'verifying' ? EXIT.gate : EXIT.done;
    });
  },
};

await runAsProgram(finalizeCommand, import.meta);
