import { describeDatabaseUrl } from '../src/config/libpq/parameters.ts';
import { diagnose, blockers } from '../src/planning/doctor.ts';
import { missingGrants } from '../src/planning/grants/missing-grants.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { withDatabase } from '../src/cli/session.ts';
import { describeQueue } from '../src/queue/address.ts';
import { findingLines } from '../src/terminal/finding-lines.ts';
import { parseGenerationName } from '../src/config/values/generation-name.ts';
import { diagnosedGeneration } from './lib/planned-generation.ts';
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
    const asked = await invocation.config();
    const { settings, backfill } = asked;
    return withDatabase(asked, 'doctor', invocation.logger(settings.logLevel), async (pool) => {
      if (invocation.flags['grants'] === true) {
        const missing = await missingGrants(pool, settings);
        const database = describeDatabaseUrl(settings.database.url);
        for (const line of grantLines(missing, { database, queue: describeQueue(settings.queue) }))
          invocation.say(line);
        invocation.emit({ backfill, ...missing });
        return EXIT.done;
      }
      const { config: planned, findings: refusals } = await diagnosedGeneration(invocation, asked, pool);
      const { findings: found, embedder } = await diagnose({
        pool,
        ...planned,
        openEmbedder: () => invocation.openEmbedder(planned.settings, 1),
        withQueue: true,
        calibrate: true,
      });
      await embedder?.close();
      const findings = [...refusals, ...found];
      const passed = blockers(findings).length === 0;
      for (const line of findingLines(findings)) invocation.say(line);
      invocation.say(
        passed
          ? '\nNothing blocks. Next: pgvector-backfill enqueue --dry-run'
          : '\nSomething blocks: see the lines marked ERROR.',
      );
      invocation.emit({ ...parseGenerationName(planned.backfill), passed, findings });
      return passed ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(doctor, import.meta);
