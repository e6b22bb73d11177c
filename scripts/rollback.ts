import { changeReads } from '../src/cutover/change-reads.ts';
import { readModeOf, showReadChoice, LEGACY_READS } from '../src/ledger/reads/read-mode.ts';
import { READ_MODE_SEEN_SECONDS } from '../src/search/create-search.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { rollbackSchema } from './lib/rollback-schema.ts';
import { reasonOf, tell } from '../src/cli/change.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { withDatabase } from '../src/cli/session.ts';

export const rollback: Command = {
  name: 'rollback',
  summary:
    'Brings reads back to the legacy search at once. Prints what it would do; does it only with --execute. Asks for no verification.',
  flags: {
    'to-legacy-schema': {
      type: 'boolean',
      help: 'Also take away everything that was added: index, triggers, columns, staging table, function, ledger',
    },
    reason: { type: 'string', value: 'TEXT', help: 'Why; kept in the event log' },
    execute: { type: 'boolean', help: 'Do it; without this nothing is changed' },
  },
  async run(invocation) {
    if (invocation.flags['to-legacy-schema'] === true) return rollbackSchema(invocation);
    const config = await invocation.config(['text']);
    const { backfill, settings } = config;
    const execute = invocation.flags['execute'] === true;
    return withDatabase(config, 'rollback', invocation.logger(settings.logLevel), async (pool) => {
      const run = await requireRun(pool, backfill);
      const from = await readModeOf(pool, backfill);
      const reason = reasonOf(invocation);
      const plan =
        from.mode === 'legacy'
          ? []
          : [
              `read mode ${showReadChoice(from)} → legacy; applications see it within ${READ_MODE_SEEN_SECONDS} s`,
              ...(run.state === 'cut_over' ? [`run ${run.id}: cut_over → ready`] : []),
            ];
      if (execute)
        await changeReads(pool, run, {
          to: LEGACY_READS,
          reason,
          override: null,
          detail: {},
          statements: [],
          prepare: '',
        });
      return tell(invocation, {
        action: 'rollback',
        backfill,
        from: showReadChoice(from),
        to: 'legacy',
        executed: execute,
        plan,
        notes: [],
        reason,
      });
    });
  },
};

await runAsProgram(rollback, import.meta);
