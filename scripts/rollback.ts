import { isToLegacy } from '../src/cutover/cutover-flags.ts';
import { planRollback } from '../src/cutover/plan-rollback.ts';
import { showReadChoice, showReadMode } from '../src/ledger/reads/read-mode.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { rollbackSchema } from './lib/rollback-schema.ts';
import { reasonOf, tell } from '../src/cli/change.ts';
import { withDatabase } from '../src/cli/session.ts';

export const rollback: Command = {
  name: 'rollback',
  summary:
    'Brings reads back at once: to the generation before, or to the legacy search. Prints what it would do; does it only with --execute. Asks for no verification.',
  flags: {
    to: { type: 'string', value: 'legacy', help: 'Whatever generation was before: to the legacy search' },
    'to-legacy-schema': {
      type: 'boolean',
      help: 'Also take away everything that was added: index, triggers, columns, staging table, function, ledger',
    },
    reason: { type: 'string', value: 'TEXT', help: 'Why; kept in the event log' },
    execute: { type: 'boolean', help: 'Do it; without this nothing is changed' },
  },
  async run(invocation) {
    if (invocation.flags['to-legacy-schema'] === true) return rollbackSchema(invocation);
    const toLegacy = isToLegacy(invocation.flags['to']);
    const config = await invocation.config(['text']);
    const { backfill, settings } = config;
    const execute = invocation.flags['execute'] === true;
    return withDatabase(config, 'rollback', invocation.logger(settings.logLevel), async (pool) => {
      const { from, to, lines, notes, ...plan } = await planRollback(pool, config, toLegacy);
      const reason = reasonOf(invocation);
      const besides = execute ? await plan.execute(reason) : [];
      const change = {
        action: 'rollback' as const,
        backfill,
        generation: to.generation,
        fromGeneration: from.generation,
        from: showReadMode(from),
        to: showReadMode(to),
        executed: execute,
        plan: lines,
        notes: [...notes, ...besides],
        reason,
      };
      return tell(invocation, change, { of: backfill, from: showReadChoice(from), to: showReadChoice(to) });
    });
  },
};

await runAsProgram(rollback, import.meta);
