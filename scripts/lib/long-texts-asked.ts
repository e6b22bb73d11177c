import type { Invocation } from '../../src/cli/command.ts';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { withProgress } from '../../src/terminal/progress-bar.ts';
import type { QueryInput, VerifyInput } from '../../src/verify/input.ts';
import { compareLongTexts, type LongTexts } from '../../src/verify/long-texts/compare-long-texts.ts';
import { judgedForLongTexts } from '../../src/verify/queries/judged-queries.ts';
import { LONG_TEXT_ROWS } from './verify-flags.ts';

/** Null without --compare-long-texts. @throws ConfigError where nothing is judged */
export async function longTextsAsked(
  invocation: Invocation,
  { pool, target, settings }: VerifyInput,
  queryInput: QueryInput,
): Promise<LongTexts | null> {
  const { flags } = invocation;
  if (flags['compare-long-texts'] !== true) return null;
  const rows = wholeNumber(flags, 'long-text-rows', LONG_TEXT_ROWS);
  const judged = await judgedForLongTexts({ pool, target }, queryInput);
  return withProgress(invocation, (onProgress) =>
    compareLongTexts({
      pool,
      target,
      settings,
      judged,
      rows,
      openEmbedder: (each) => invocation.openEmbedder(each, 1),
      onProgress,
    }),
  );
}
