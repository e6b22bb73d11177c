import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { withDatabase } from '../src/cli/session.ts';
import { wholeNumber } from '../src/cli/whole-number.ts';
import { dryRun, dryRunJson } from '../src/planning/dry-run.ts';
import { enqueueRun, withPreflight } from '../src/planning/enqueue-run.ts';
import { dryRunLines, enqueuedLines } from '../src/terminal/enqueue-lines.ts';
import { withProgress } from '../src/terminal/progress-bar.ts';
import { sampleColumn, withSample } from './lib/adopt-column.ts';
import { refuseEnqueue } from './lib/refuse-enqueue.ts';

export const enqueueCommand: Command = {
  name: 'enqueue',
  summary:
    'Checks, adds columns and staging table, plans key ranges and puts one job for each on the queue. Twice is a no-op.',
  flags: {
    'dry-run': { type: 'boolean', help: 'Print plan, sizes, forecast and DDL; change nothing' },
    adopt: {
      type: 'boolean',
      help: 'Take over vectors that are in the column already, where a sample agrees',
    },
    rows: { type: 'string', value: 'N', help: 'Canary: only the first N eligible rows by key' },
  },
  async run(invocation) {
    const config = await invocation.config();
    const limitRows = wholeNumber(invocation.flags, 'rows', null);
    const adopts = invocation.flags['adopt'] === true;
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'enqueue', logger, (pool) =>
      withPreflight(
        config,
        pool,
        invocation.openEmbedder,
        async (preflight) => {
          const refused = refuseEnqueue(invocation, preflight);
          if (refused !== null || !preflight.passed) return refused ?? EXIT.gate;
          const sample = adopts
            ? await sampleColumn(invocation, config, pool, { ...preflight, limitRows })
            : null;
          if (sample?.agrees === false) return EXIT.gate;
          if (invocation.flags['dry-run'] === true) {
            const plan = await dryRun(config, pool, preflight, limitRows);
            invocation.emit(withSample(dryRunJson(config.backfill, plan), sample));
            const lines = dryRunLines(plan, config.settings.batchRows, preflight.embedder);
            for (const line of lines) invocation.say(line);
            return EXIT.done;
          }
          const result = await withProgress(invocation, (onProgress) =>
            enqueueRun(config, pool, logger, preflight, limitRows, onProgress, sample),
          );
          invocation.emit(withSample(result, sample));
          for (const line of enqueuedLines(config.backfill, result)) invocation.say(line);
          return EXIT.done;
        },
        adopts ? config.settings.worker.threads : 1,
      ),
    );
  },
};

await runAsProgram(enqueueCommand, import.meta);
