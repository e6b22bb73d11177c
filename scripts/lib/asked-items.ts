import type { Invocation } from '../../src/cli/command.ts';
import { judgedOnThePage } from '../../src/verify/queries/given-queries.ts';
import { judgedQueries } from '../../src/verify/queries/judged-queries.ts';
import {
  describeForComparison,
  judgedItems,
  knownItems,
  type AskedItems,
  type AskInput,
} from '../../src/verify/compared-models/known-items.ts';
import { ConfigError } from '../../src/errors.ts';
import type { QueryInput } from '../../src/verify/input.ts';

/** What was judged, else known items. @throws ConfigError where flags do not go together */
export async function askedItems(
  { flags }: Pick<Invocation, 'flags'>,
  input: AskInput,
  given: QueryInput,
): Promise<AskedItems> {
  const { pool, backfill, settings } = input;
  const { titles } = flags;
  const isJudged = flags['judged'] === true || given.queries !== null;
  if (isJudged && titles !== undefined)
    throw new ConfigError(
      '--titles is for queries that nobody has judged: it does not go with --queries or --judged.',
      {
        code: 'USAGE',
        remedy: 'Leave one of the two out.',
      },
    );
  if (!isJudged) return knownItems(input, typeof titles === 'string' ? titles : null);
  const queries = flags['judged'] === true ? await judgedOnThePage(pool, backfill) : given;
  const target = await describeForComparison(input, settings);
  const judged = await judgedQueries({ pool, target }, queries);
  if (judged !== null) return judgedItems(input, target, judged);
  throw new ConfigError('--queries needs --judgements here: what is relevant to each of them.', {
    code: 'USAGE',
    remedy: 'Add --judgements FILE, or leave --queries out: rows are looked for by their titles then.',
  });
}
