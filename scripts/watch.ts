import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { GENERATION_FLAG, withGeneration } from '../src/cli/session.ts';
import { parseGenerationName } from '../src/config/values/generation-name.ts';
import { GateError } from '../src/errors.ts';
import { presentGenerations } from '../src/ledger/generation/generation.ts';
import { BAD_VERDICTS } from '../src/ledger/passes/pass-result.ts';
import { listPasses } from '../src/ledger/passes/watch-pass.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { targetOfRun } from '../src/ledger/run/run-target.ts';
import { withProgress } from '../src/terminal/progress-bar.ts';
import { passLines, seriesLines } from '../src/terminal/watch-lines.ts';
import { Throttle } from '../src/throttle/throttle.ts';
import { watchPass } from '../src/watch/pass.ts';
import { ownSettings } from './lib/generation-model.ts';

/** Passes that are shown. */
const MAX_SERIES = 1000;

export const watchCommand: Command = {
  name: 'watch',
  summary:
    'Measures the live index once more, as workers do at intervals (watch.mode): recall, filtered searches, wear, latency, freshness. Exit code 3 where something is to be done.',
  flags: {
    series: { type: 'boolean', help: 'Measure nothing; show what the passes so far have found' },
    ...GENERATION_FLAG,
  },
  async run(invocation) {
    const asked = await invocation.config();
    const logger = invocation.logger(asked.settings.logLevel);
    return withGeneration(invocation, asked, 'watch', logger, async (pool, config) => {
      const { backfill } = config;
      const run = await requireRun(pool, backfill);
      if (invocation.flags['series'] === true) {
        const passes = await listPasses(pool, backfill, MAX_SERIES);
        invocation.emit({ ...parseGenerationName(backfill), passes });
        for (const line of seriesLines(passes)) invocation.say(line);
        if (passes.length === 0) invocation.say('No pass yet: `pgvector-backfill watch` makes one.');
        return EXIT.done;
      }
      const own = await ownSettings(await presentGenerations(pool, backfill), asked, config);
      const { target, settings } = await targetOfRun(pool, run, own);
      const throttle = new Throttle({ pool, backfill, settings, logger });
      const pass = await withProgress(invocation, (onProgress) =>
        watchPass({
          pool,
          target,
          settings,
          run,
          onProgress,
          openEmbedder: () => invocation.openEmbedder(settings, 1),
          holds: () => throttle.holds(),
        }),
      );
      if (pass === null)
        throw new GateError('The database is in trouble: nothing was asked of it.', {
          code: 'HELD',
          remedy: 'See `pgvector-backfill status` for what holds, and do it again later.',
        });
      invocation.emit({ ...parseGenerationName(backfill), ...pass });
      for (const line of passLines(pass)) invocation.say(line);
      return BAD_VERDICTS.includes(pass.verdict) ? EXIT.gate : EXIT.done;
    });
  },
};

await runAsProgram(watchCommand, import.meta);
