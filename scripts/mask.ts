import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { withDatabase } from '../src/cli/session.ts';
import { wholeNumber } from '../src/cli/whole-number.ts';
import { maskJson, previewMasks } from '../src/planning/mask-preview.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { maskLines } from '../src/terminal/mask-lines.ts';

const DEFAULT_SAMPLE = 20;
const MAX_SAMPLE = 1000;

export const mask: Command = {
  name: 'mask',
  summary:
    'Shows sampled rows before and after masking; reads only. It prints the text of rows, values to be masked included: for your own eyes.',
  flags: {
    sample: {
      type: 'string',
      value: 'N',
      help: `Rows to show, 1 to ${MAX_SAMPLE} [${DEFAULT_SAMPLE}]; more are looked at, and rows where something is masked come first`,
    },
  },
  options: ['database.url', 'logLevel', 'table', 'key', 'text', 'where', 'mask.types', 'mask.rules'],
  async run(invocation) {
    const sample = wholeNumber(invocation.flags, 'sample', DEFAULT_SAMPLE, {
      max: MAX_SAMPLE,
      remedy: 'Write it as in: pgvector-backfill mask --sample 20.',
    });
    const config = await invocation.config();
    const { backfill, settings } = config;
    const policy = { types: settings.mask.types, rules: settings.mask.rules };
    const logger = invocation.logger(settings.logLevel);
    return withDatabase(config, 'mask', logger, async (pool) => {
      const target = await describeTarget(pool, backfill, settings);
      const preview = await previewMasks(pool, target, policy, sample);
      invocation.emit(maskJson(preview));
      for (const line of maskLines(preview)) invocation.say(line);
      return EXIT.done;
    });
  },
};

await runAsProgram(mask, import.meta);
