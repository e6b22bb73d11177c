import { ConfigError } from '../src/errors.ts';
import { applyMasks, countMasks, createFinder, type Mask } from '../src/masking/masker.ts';
import { MaskTooSlow } from '../src/masking/rules.ts';
import { maskPolicyVersion, type MaskPolicy } from '../src/masking/policy.ts';
import type { TextRow } from '../src/table/read-texts.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { excerpts } from '../src/masking/excerpts.ts';
import { sampleTexts } from '../src/table/sample-texts.ts';
import { withDatabase } from '../src/cli/session.ts';

const DEFAULT_SAMPLE = 20;
const MAX_SAMPLE = 1000;

interface MaskedRow extends TextRow {
  masks: Mask[];
}

export function maskedRowLines({ key, text, masks }: MaskedRow): string[] {
  const lines = [`row ${key}: ${countsText(countMasks(masks))}`];
  for (const { before, after } of excerpts(text, masks)) {
    if (masks.length === 0) lines.push(`  text    ${before}`);
    else lines.push(`  before  ${before}`, `  after   ${after}`);
  }
  return lines;
}

function countsText(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? 'nothing masked' : parts.join(', ');
}

function policyText({ types, rules }: MaskPolicy): string {
  const names = [...types, ...rules.map((rule) => rule.name)];
  return names.length === 0 ? 'nothing is masked' : names.join(', ');
}

function readSample(flag: string | boolean | undefined): number {
  const sample = Number(flag ?? DEFAULT_SAMPLE);
  if (flag !== '' && Number.isInteger(sample) && sample >= 1 && sample <= MAX_SAMPLE) return sample;
  throw new ConfigError(
    `--sample must be a whole number from 1 to ${MAX_SAMPLE} (got ${JSON.stringify(flag)}).`,
    { code: 'USAGE', remedy: 'Write it as in: pgvector-backfill mask --sample 20.' },
  );
}

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
  options: ['database', 'logLevel', 'table', 'key', 'text', 'where', 'mask.types', 'mask.rules'],
  async run(invocation) {
    const sample = readSample(invocation.flags['sample']);
    const config = await invocation.config();
    const { backfill, settings } = config;
    const policy: MaskPolicy = { types: settings.mask.types, rules: settings.mask.rules };
    const find = createFinder(policy);
    const findIn = ({ key, text }: TextRow): Mask[] => {
      try {
        return find(text);
      } catch (error) {
        if (!(error instanceof MaskTooSlow)) throw error;
        throw new ConfigError(`Row ${key}: ${error.message}; it would be quarantined.`, {
          code: 'MASK_RULE',
          remedy:
            'Begin the pattern with something definite, and bound its repetitions: {0,100} in place of *.',
          cause: error,
        });
      }
    };
    const version = maskPolicyVersion(policy);
    const logger = invocation.logger(settings.logLevel);
    return withDatabase(config, 'mask', logger, async (pool) => {
      const target = await describeTarget(pool, backfill, settings);
      const looked = (await sampleTexts(pool, target, sample)).map((row) => ({
        ...row,
        masks: findIn(row),
      }));
      const changed = looked.filter((row) => row.masks.length > 0);
      const shown = [...changed, ...looked.filter((row) => row.masks.length === 0)].slice(0, sample);
      const counts = countMasks(looked.flatMap((row) => row.masks));
      invocation.emit({
        policy: { version, types: policy.types, rules: policy.rules.map((rule) => rule.name) },
        rows: shown.map(({ key, text, masks }) => ({
          key,
          before: text,
          after: applyMasks(text, masks),
          counts: countMasks(masks),
        })),
        looked: looked.length,
        masked: changed.length,
        counts,
      });
      for (const row of shown) for (const line of maskedRowLines(row)) invocation.say(line);
      invocation.say(
        `${looked.length} rows looked at, ${changed.length} with something masked: ${countsText(counts)}`,
      );
      invocation.say(`policy ${version}: ${policyText(policy)}`);
      return EXIT.done;
    });
  },
};

await runAsProgram(mask, import.meta);
