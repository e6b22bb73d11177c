/** Ranking by PostgreSQL's full-text search: the lexical half of the hybrid, and what vectors are measured against. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { hasSqlState, isUnreachable, SQLSTATE } from '../../db/sqlstates.ts';
import { TABLE_LIMITS, inReadOnlySearch, type TransactionLimits } from '../../db/transaction.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { keyOrderSql, keyTextSql, legacyKey } from '../../table/key.ts';
import type { Target } from '../../table/backfill-target.ts';
import { beginningSql } from '../../table/text-expressions.ts';
import { filterSql, filterValues, type Filter } from './filter.ts';
import { assertTrustedFilter } from './trusted-filter.ts';
import { unencodableCharacter } from './unencodable-query.ts';
import { skippingUnreadable } from './unreadable-rows.ts';

/**
 * A tsvector holds a megabyte of words and their places; a text of which it is more fails every ranking of its table. So
 * many characters fit, whatever they are: up to four bytes each, twice where a word has parts, and five more for its place.
 * The rest of such a text is not ranked, and an expression index on the whole of it cannot be there.
 */
const RANKED_CHARACTERS = 80_000;
/** Tables that have one: from the first such failure on. */
const hasLongTexts = new WeakSet<Target>();

/** Code of the error where configuration or expression do not run. */
export const TEXT_FAILED = 'TEXT_SEARCH_FAILED';

export interface TextSearchOptions {
  filter?: Filter | null;
  limits?: TransactionLimits;
}

/**
 * The filter's values, text search configuration, the words with OR between them, number of rows. Any word may be missing: a
 * question in a sentence would find nothing otherwise. Calls stand where they are needed and not in FROM, so that the
 * operator's expressions see no column but the table's; the server folds them to a constant.
 */
export function textRankSql(
  target: Target,
  settings: Settings,
  filter: Filter | null = null,
  isBounded = false,
): string {
  const key = legacyKey(target);
  const at = filter?.values.length ?? 0;
  const config = `$${at + 1}::regconfig`;
  const document =
    settings.search.tsvector === undefined
      ? `pg_catalog.to_tsvector(${config}, ${isBounded ? beginningSql(target.text, String(RANKED_CHARACTERS)) : target.text})`
      : `(${target.names['search.tsvector']?.sql ?? settings.search.tsvector})`;
  const query = `pg_catalog.websearch_to_tsquery(${config}, $${at + 2}::text)`;
  return `SELECT ${keyTextSql(target, key)} AS key FROM ${target.table}
    WHERE ${target.where}${filterSql(filter)} AND ${document} @@ ${query}
    ORDER BY pg_catalog.ts_rank_cd(${document}, ${query}) DESC, ${keyOrderSql(target, key)} LIMIT $${at + 3}`;
}

/** Longer ones are in no tsvector (2046 bytes), and a query of them is refused. */
const MAX_WORD = 500;
/** Of one query: a tsquery has a limit of its own, and each word is looked for in every row. */
const MAX_WORDS = 500;

/** Words of letters and digits with OR between them: nothing in a query is an operator of websearch_to_tsquery. */
export function anyWord(text: string): string {
  const words = text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  return words
    .filter((word) => word.toLowerCase() !== 'or' && word.length <= MAX_WORD)
    .slice(0, MAX_WORDS)
    .join(' OR ');
}

/**
 * Keys by falling ts_rank_cd, ties by key.
 * @throws ConfigError where configuration or expression do not run; what the server throws where the time limit is passed
 */
export async function textSearch(
  pool: Pool,
  target: Target,
  settings: Settings,
  text: string,
  k: number,
  { filter = null, limits = { ...TABLE_LIMITS, tries: 1 } }: TextSearchOptions = {},
): Promise<string[]> {
  await assertTrustedFilter(pool, target, filter);
  try {
    const values = [...filterValues(filter), settings.search.textConfig, anyWord(text), k];
    const rank = (isBounded: boolean): Promise<{ rows: { key: string }[] }> =>
      skippingUnreadable(target, (asked) =>
        inReadOnlySearch(pool, limits, (client) =>
          client.query<{ key: string }>(textRankSql(asked, settings, filter, isBounded), values),
        ),
      );
    const found = await rank(hasLongTexts.has(target)).catch((error: unknown) => {
      if (hasLongTexts.has(target) || !hasSqlState(error, SQLSTATE.programLimit)) throw error;
      hasLongTexts.add(target);
      return rank(true);
    });
    return found.rows.map(({ key }) => key);
  } catch (error) {
    if (hasSqlState(error, SQLSTATE.queryCanceled) || isUnreachable(error)) throw error;
    // No row has a word with it: the others are looked for.
    const unheld = unencodableCharacter(error, text);
    if (unheld !== null)
      return textSearch(pool, target, settings, text.replaceAll(unheld, ' '), k, { filter, limits });
    throw new ConfigError(`The tsvector ranking does not run: ${messageOf(error)}.`, {
      code: TEXT_FAILED,
      remedy: `Correct ${optionName('search.textConfig')} or ${optionName('search.tsvector')}.`,
      cause: error,
    });
  }
}
