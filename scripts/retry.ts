import { syncMode } from '../src/ledger/changes/drain-lease.ts';
import { retry } from '../src/planning/retry.ts';
import { ConfigError } from '../src/errors.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { count } from '../src/observability/format.ts';
import { prepareQueues, withQueues } from '../src/planning/open-queues.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { OPEN_GENERATION_FLAG, withOpenGeneration } from '../src/cli/session.ts';

function quarantined({ row, quarantined: all }: Record<string, unknown>): boolean | string[] {
  if (!Array.isArray(row)) return all === true;
  if (all !== true) return row as string[];
  throw new ConfigError('--quarantined is for all rows, and --row for one.', {
    code: 'USAGE',
    remedy: 'Give one of them.',
  });
}

export const retryCommand: Command = {
  name: 'retry',
  summary: 'Failed batches again; with --quarantined also quarantined rows.',
  flags: {
    quarantined: {
      type: 'boolean',
      help: 'Quarantined rows too, such as after a repair of a trigger or a model',
    },
    row: {
      type: 'string',
      multiple: true,
      value: 'KEY',
      help: 'The quarantined row of this key alone; a key of several columns is a JSON array. May be given several times',
    },
    ...OPEN_GENERATION_FLAG,
  },
  async run(invocation) {
    const asked = await invocation.config();
    const logger = invocation.logger(asked.settings.logLevel);
    return withOpenGeneration(invocation, asked, 'retry', logger, async (pool, config) => {
      const run = await requireRun(pool, config.backfill);
      const address = await prepareQueues(config, pool, logger);
      const result = await withQueues(address, ({ embed }) =>
        retry({
          pool,
          settings: config.settings,
          run,
          queue: embed,
          quarantined: quarantined(invocation.flags),
        }),
      );
      invocation.emit(result);
      invocation.say(
        result.batches + result.rows + result.enqueued === 0
          ? 'Nothing to try again.'
          : `${count(result.batches)} batches and ${count(result.rows)} quarantined rows get another try; ${count(result.enqueued)} jobs added.`,
      );
      if (run.state === 'completed')
        invocation.say(
          `Run ${run.id} is completed: ${(await syncMode(pool, config.backfill)) === 'off' ? 'run `pgvector-backfill enqueue`, which plans another one' : 'a worker with the role sync brings quarantined rows in line; batches that failed are planned again by `pgvector-backfill enqueue`'}.`,
        );
      return EXIT.done;
    });
  },
};

await runAsProgram(retryCommand, import.meta);
