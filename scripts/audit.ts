import { audit } from '../src/audit/audit.ts';
import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { withDatabase } from '../src/cli/session.ts';
import { auditLines } from '../src/terminal/audit-lines.ts';

export const auditCommand: Command = {
  name: 'audit',
  summary:
    "Which statements of the application search by the vectors and miss the index, from pg_stat_statements and PostgreSQL's own plans, each with a statement that the index serves. Runs none of them. Exit code 3 where one is found.",
  flags: {},
  async run(invocation) {
    const config = await invocation.config(['text']);
    return withDatabase(config, 'audit', invocation.logger(config.settings.logLevel), async (pool) => {
      const found = await audit(pool, config);
      for (const line of auditLines(found, invocation.host.stdout)) invocation.say(line);
      invocation.emit({ backfill: config.backfill, ...found });
      return found.passed ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(auditCommand, import.meta);
