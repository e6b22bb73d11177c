import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { GENERATION_FLAG, withGeneration } from '../src/cli/session.ts';
import { ledgerPresent } from '../src/db/migrate.ts';
import { GateError } from '../src/errors.ts';
import { statusJson, statusReport } from '../src/planning/status-report.ts';
import { statusLines } from '../src/terminal/status-lines.ts';

/** What has not answered for so long is a connection that the network has lost. */
const MAX_SILENCE_MS = 30_000;

export const status: Command = {
  name: 'status',
  summary:
    'One snapshot of each generation: coverage, rate, ETA, state and reason, cut and masked texts, model, index. Reads the ledger, and asks whether the queue answers.',
  flags: {
    watch: { type: 'boolean', help: 'Go on showing it until interrupted; with --json one object a line' },
    ...GENERATION_FLAG,
  },
  async run(invocation) {
    const asked = await invocation.config(['text']);
    const logger = invocation.logger(asked.settings.logLevel);
    return withGeneration(
      invocation,
      asked,
      'status',
      logger,
      async (pool, config) => {
        if (!(await ledgerPresent(pool))) {
          throw new GateError('This database has no ledger yet.', {
            code: 'NO_LEDGER',
            remedy: 'Run `pgvector-backfill enqueue` first.',
          });
        }
        if (invocation.flags['watch'] === true) {
          const { watchStatus } = await import('../src/cli/watch-status.ts');
          await watchStatus(invocation, pool, config);
        } else {
          const report = await statusReport(pool, config, asked.settings);
          invocation.emit(statusJson(report));
          for (const line of statusLines(report)) invocation.say(line);
        }
        return EXIT.done;
      },
      { queryTimeoutMs: MAX_SILENCE_MS },
    );
  },
};

await runAsProgram(status, import.meta);
