import { describeDatabaseUrl } from '../src/config/libpq/parameters.ts';
import { diagnose, blockers } from '../src/planning/doctor.ts';
import { missingGrants } from '../src/planning/grants/missing-grants.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { withDatabase } from '../src/cli/session.ts';
import { describeQueue } from '../src/queue/address.ts';
import { findingLines } from '../src/terminal/finding-lines.ts';
import { grantLines } from '../src/terminal/grant-lines.ts';

export const doctor: Command = {
  name: 'doctor',
  summary:
    'Read-only preflight: versions, privileges, key, text, model, dimensions, queue. Exit code 3 where something blocks.',
  flags: {
    grants: {
      type: 'boolean',
      help: 'Print the rights that this user lacks, as SQL for an administrator, and nothing else; run nothing',
    },
  },
  async run(invocation) {
    const config = await invocation.config();
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'doctor', logger, async (pool) => {
      const { settings, backfill } = config;
      if (invocation.flags['grants'] === true) {
        const missing = await missingGrants(pool, settings);
        const database = describeDatabaseUrl(settings.database.url);
        for (const line of grantLines(missing, { database, queue: describeQueue(settings.queue) }))
          invocation.say(line);
        invocation.emit({ backfill, ...missing });
        return EXIT.done;
      }
      const { findings, embedder } = await diagnose({
        pool,
        backfill,
        settings,
        openEmbedder: () => invocation.openEmbedder(settings, 1),
        withQueue: true,
        calibrate: true,
      });
      await embedder?.close();
      const passed = blockers(findings).length === 0;
      for (const line of findingLines(findings)) invocation.say(line);
      invocation.say(
        passed
          ? '\nNothing blocks. Next: pgvector-backfill enqueue --dry-run'
          : '\nSomething blocks: see the lines marked ERROR.',
      );
      invocation.emit({ backfill, passed, findings });
      return passed ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(doctor, import.meta);
