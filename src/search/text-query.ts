/** Ranking by PostgreSQL's full-text search: the lexical half of the hybrid, and what vectors are measured against. */

import type { Settings } from '../config/settings.ts';
import { quoteName } from '../db/identifiers.ts';
import type { Pool } from '../db/pool.ts';
import { hasSqlState, SQLSTATE } from '../db/sqlstates.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { ConfigError, messageOf } from '../errors.ts';
import type { Target } from '../table/target.ts';

/**
 * $1 text search configuration, $2 the words with OR between them, $3 number of rows. Any word may be missing: a
 * question in a sentence would find nothing otherwise. Calls stand where they are needed and not in FROM, so that the
 * operator's expressions see no column but the table's; the server folds them to a constant.
 */
export function textRankSql(target: Target, settings: Settings): string {
  const key = `${target.ref}.${quoteName(target.key)}`;
  const document =
    settings.searchTsvector === undefined
      ? `to_tsvector($1::regconfig, ${target.text})`
      : `(${settings.searchTsvector})`;
  const query = 'websearch_to_tsquery($1::regconfig, $2)';
  return `SELECT ${key}::text AS key FROM ${target.table}
    WHERE ${target.where} AND ${document} @@ ${query}
    ORDER BY ts_rank_cd(${document}, ${query}) DESC, ${key} LIMIT $3`;
}

/** Words of letters and digits with OR between them: nothing in a query is an operator of websearch_to_tsquery. */
export function anyWord(text: string): string {
  const words = text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  return words.filter((word) => word.toLowerCase() !== 'or').join(' OR ');
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
): Promise<string[]> {
  const limits = { ...TABLE_LIMITS, tries: 1 };
  try {
    const found = await inTransaction(pool, limits, async (client) => {
      await client.query('SET TRANSACTION READ ONLY');
      return client.query<{ key: string }>(textRankSql(target, settings), [
        settings.searchTextConfig,
        anyWord(text),
        k,
      ]);
    });
    return found.rows.map(({ key }) => key);
  } catch (error) {
    if (hasSqlState(error, SQLSTATE.queryCanceled)) throw error;
    throw new ConfigError(`The tsvector ranking does not run: ${messageOf(error)}.`, {
      code: 'TEXT_SEARCH_FAILED',
      remedy:
        'Correct search.textConfig (--search-text-config, env BACKFILL_SEARCH_TEXT_CONFIG) or search.tsvector (--search-tsvector, env BACKFILL_SEARCH_TSVECTOR).',
      cause: error,
    });
  }
}
