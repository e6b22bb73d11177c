import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { withDatabase } from '../src/cli/session.ts';
import { wholeNumber } from '../src/cli/whole-number.ts';
import { comparedLines } from '../src/terminal/compared-lines.ts';
import { withProgress } from '../src/terminal/progress-bar.ts';
import { compareModels } from '../src/verify/compared-models/compare-models.ts';
import { parseModels } from '../src/verify/compared-models/model-settings.ts';
import { readQueryFiles } from '../src/verify/queries/given-queries.ts';
import { reportWanted } from '../src/verify/report/wanted.ts';
import { COMPARE_FLAGS, COMPARED_ROWS } from './lib/compare-flags.ts';
import { askedItems } from './lib/asked-items.ts';
import { trainOnAsked, withCandidates } from './lib/compared-models.ts';

export const compareModelsCommand: Command = {
  name: 'compare-models',
  summary:
    'Which model for this table, before a row of it is written: embeds a sample by each, ranks judged queries (or titles) exactly, and forecasts time, disk and memory for all rows. Reads only. Exit code 3 where a model cannot be used.',
  flags: COMPARE_FLAGS,
  async run(invocation) {
    const { flags, host, signal } = invocation;
    const named = parseModels(flags['models']);
    const rows = wholeNumber(flags, 'rows', COMPARED_ROWS, { max: 100_000 });
    const given = await readQueryFiles(flags, host.cwd);
    const report = await reportWanted(flags, host.cwd);
    const config = await invocation.config();
    const { backfill, settings } = config;
    const logger = invocation.logger(settings.logLevel);
    return withDatabase(config, 'compare-models', logger, async (pool) => {
      const asked = await askedItems(invocation, { pool, backfill, settings, rows }, given);
      const compared = await withProgress(invocation, (onProgress) =>
        withCandidates(
          invocation,
          named,
          (folder) => trainOnAsked(pool, asked, folder, { signal, onProgress }),
          (candidates) =>
            compareModels({
              pool,
              backfill,
              settings,
              asked,
              candidates,
              withLongTexts: flags['long-texts'] === true,
              openEmbedder: (each) => invocation.openEmbedder(each),
              signal,
              onProgress,
            }),
        ),
      );
      if (report !== null) {
        const { writeComparison } = await import('../src/verify/compared-models/report.ts');
        await writeComparison(report.path, backfill, compared);
      }
      invocation.emit({ backfill, ...compared });
      for (const line of comparedLines(compared)) invocation.say(line);
      return compared.failed === 0 ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(compareModelsCommand, import.meta);
