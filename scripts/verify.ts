import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { GENERATION_FLAG, withGeneration } from '../src/cli/session.ts';
import { parseGenerationName } from '../src/config/values/generation-name.ts';
import { withProgress } from '../src/terminal/progress-bar.ts';
import { verifyLines } from '../src/terminal/verify-lines.ts';
import { judgedOnThePage, readQueryFiles } from '../src/verify/queries/given-queries.ts';
import { reportWanted } from '../src/verify/report/wanted.ts';
import { writeReport } from '../src/verify/report/write-report.ts';
import { verify } from '../src/verify/verify.ts';
import { groupsAsked } from './lib/groups-asked.ts';
import { longTextsAsked } from './lib/long-texts-asked.ts';
import { verifyInput } from './lib/verify-input.ts';
import { VERIFY_FLAGS } from './lib/verify-flags.ts';

export const verifyCommand: Command = {
  name: 'verify',
  summary:
    'The gate: accounting, dimensions, index, freshness, plan, recall curve, filters, latency, relevance. Exit code 3 where it does not pass.',
  flags: { ...VERIFY_FLAGS, ...GENERATION_FLAG },
  async run(invocation) {
    const { flags, host } = invocation;
    const given = await readQueryFiles(flags, host.cwd);
    const report = await reportWanted(flags, host.cwd);
    const asked = await invocation.config();
    const logger = invocation.logger(asked.settings.logLevel);
    return withGeneration(invocation, asked, 'verify', logger, async (pool, config) => {
      const own = await verifyInput(invocation, pool, asked, config);
      const queryInput = flags['judged'] === true ? await judgedOnThePage(pool, config.backfill) : given;
      const input = { ...own, queryInput };
      const measured = await groupsAsked(invocation, input);
      const longTexts = await longTextsAsked(invocation, input, queryInput);
      const verification = await withProgress(invocation, (onProgress) => verify({ ...input, onProgress }));
      const groups = await measured();
      const { passed, checks, full, ...figures } = verification;
      if (report !== null) await writeReport(report, input, queryInput, verification, groups);
      const named = parseGenerationName(config.backfill);
      invocation.emit({
        ...named,
        passed,
        checks,
        ...figures,
        ...full,
        ...(longTexts && { longTexts }),
        ...(groups && { groups }),
      });
      for (const line of verifyLines({ checks, passed, full, longTexts, groups }, named.generation))
        invocation.say(line);
      return passed ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(verifyCommand, import.meta);
