import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { withDatabase } from '../src/cli/session.ts';
import { wholeNumber } from '../src/cli/whole-number.ts';
import { dryRun, dryRunJson } from '../src/planning/dry-run.ts';
import { enqueueRun, withPreflight } from '../src/planning/enqueue-run.ts';
import { dryRunLines, enqueuedLines } from '../src/terminal/enqueue-lines.ts';
import { findingLines } from '../src/terminal/finding-lines.ts';
import { withProgress } from '../src/terminal/progress-bar.ts';

export const enqueueCommand: Command = {
  name: 'enqueue',
  summary:
    'Checks, adds columns and staging table, plans key ranges and puts one job for each on the queue. Twice is a no-op.',
  flags: {
    'dry-run': { type: 'boolean', help: 'Print plan, sizes, forecast and DDL; change nothing' },
    rows: { type: 'string', value: 'N', help: 'Canary: only the first N eligible rows by key' },
  },
  async run(invocation) {
    const config = await invocation.config();
    const limitRows = wholeNumber(invocation.flags, 'rows', null);
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'enqueue', logger, (pool) =>
      withPreflight(config, pool, invocation.openEmbedder, async (preflight) => {
        const { findings, blocking } = preflight;
        for (const line of findingLines(findings.filter((each) => each.level !== 'ok')))
          invocation.warn(line);
        if (!preflight.passed) {
          invocation.emit({
            error: {
              code: 'DOCTOR',
              message: blocking.map((each) => each.message).join(' '),
              findings: blocking,
            },
          });
          // A fault in an option is the operator's to correct in the configuration; anything else is a gate.
          return blocking.some((each) => each.option !== undefined) ? EXIT.usage : EXIT.gate;
        }
        if (invocation.flags['dry-run'] === true) {
          const plan = await dryRun(config, pool, preflight, limitRows);
          invocation.emit(dryRunJson(config.backfill, plan));
          const lines = dryRunLines(plan, config.settings.batchRows, preflight.embedder);
          for (const line of lines) invocation.say(line);
          return EXIT.done;
        }
        const result = await withProgress(invocation, (onProgress) =>
          enqueueRun(config, pool, logger, preflight, limitRows, onProgress),
        );
        invocation.emit(result);
        for (const line of enqueuedLines(config.backfill, result)) invocation.say(line);
        return EXIT.done;
      }),
    );
  },
};

await runAsProgram(enqueueCommand, import.meta);
