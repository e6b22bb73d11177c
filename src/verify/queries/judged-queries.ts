/** Queries with judgements, as the measures of relevance take them. */

import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import { ConfigError } from '../../errors.ts';
import { canonicalKeys } from '../../table/canonical-keys.ts';
import type { QueryInput } from '../input.ts';
import { measurable, type JudgedQueries } from '../measures/relevance.ts';
import type { SearchContext } from '../measures/systems.ts';

/** Null where nothing is judged. @throws ConfigError where no query of the file was */
export async function judgedQueries(
  context: Pick<SearchContext, 'pool' | 'target'>,
  { queries, judgements }: QueryInput,
): Promise<JudgedQueries | null> {
  if (queries === null || judgements === null) return null;
  const judged = { queries, judgements };
  if (measurable(judged).length > 0) return asWritten(context, judged);
  throw new ConfigError('No query of --queries has a relevant key in --judgements.', {
    code: 'NO_JUDGED_QUERIES',
    remedy: 'Give the two files of one collection: ids of the queries must be those of the judgements.',
  });
}

/** @throws ConfigError where nothing is judged */
export async function judgedForLongTexts(
  context: Pick<SearchContext, 'pool' | 'target'>,
  input: QueryInput,
): Promise<JudgedQueries> {
  const judged = await judgedQueries(context, input);
  if (judged !== null) return judged;
  throw new ConfigError('--compare-long-texts needs queries and what is relevant to them.', {
    code: 'USAGE',
    remedy: 'Add --queries FILE and --judgements FILE, or --judged for what was clicked on the search page.',
  });
}

/** Keys of the judgements as the table's are written; what is none of its keys stays as it is, and is told of. */
async function asWritten(
  { pool, target }: Pick<SearchContext, 'pool' | 'target'>,
  judged: JudgedQueries,
): Promise<JudgedQueries> {
  const given = [...judged.judgements.values()].flatMap((grades) => [...grades.keys()]);
  const known = await inReadOnly(pool, TABLE_LIMITS, (client) => canonicalKeys(client, target, given));
  const judgements = new Map(
    [...judged.judgements].map(([query, grades]) => [
      query,
      new Map([...grades].map(([key, grade]) => [known.get(key) ?? key, grade])),
    ]),
  );
  return { ...judged, judgements };
}
