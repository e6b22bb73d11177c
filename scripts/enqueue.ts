import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { withDatabase } from '../src/cli/session.ts';
import { wholeNumber } from '../src/cli/whole-number.ts';
import { dryRun, dryRunJson, enqueuedJson } from '../src/planning/dry-run.ts';
import { enqueueRun, withPreflight } from '../src/planning/enqueue-run.ts';
import { dryRunLines, enqueuedLines } from '../src/terminal/enqueue-lines.ts';
import { withProgress } from '../src/terminal/progress-bar.ts';
import { sampleColumn, withSample } from './lib/adopt-column.ts';
import { PLACE_FLAGS, plannedGeneration } from './lib/planned-generation.ts';
import { refuseEnqueue } from './lib/refuse-enqueue.ts';

export const enqueueCommand: Command = {
  name: 'enqueue',
  summary:
    'Checks, adds columns and staging table, plans key ranges and puts one job for each on the queue. Twice is a no-op.',
  flags: {
    ...PLACE_FLAGS,
    'dry-run': { type: 'boolean', help: 'Print plan, sizes, forecast and DDL; change nothing' },
    adopt: {
      type: 'boolean',
      help: 'Take over vectors that are in the column already, where a sample agrees',
    },
    rows: { type: 'string', value: 'N', help: 'Canary: only the first N eligible rows by key' },
  },
  async run(invocation) {
    const asked = await invocation.config();
    const limitRows = wholeNumber(invocation.flags, 'rows', null);
    const adopts = invocation.flags['adopt'] === true;
    const logger = invocation.logger(asked.settings.logLevel);
    return withDatabase(asked, 'enqueue', logger, async (pool) => {
      const planned = await plannedGeneration(invocation, asked, pool);
      const { config } = planned;
      const isNew = planned.beside !== null;
      return withPreflight(
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
            invocation.emit(withSample({ ...dryRunJson(planned, plan) }, sample));
            const lines = dryRunLines(plan, planned, preflight.embedder);
            for (const line of lines) invocation.say(line);
            return EXIT.done;
          }
          const result = await withProgress(invocation, (onProgress) =>
            enqueueRun(config, pool, logger, preflight, { limitRows, onProgress, adopt: sample, isNew }),
          );
          invocation.emit(withSample(enqueuedJson(planned, result), sample));
          for (const line of enqueuedLines(planned, result)) invocation.say(line);
          return EXIT.done;
        },
        adopts ? config.settings.worker.threads : 1,
      );
    });
  },
};

await runAsProgram(enqueueCommand, import.meta);
