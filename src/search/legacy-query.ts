/** The search in use today: the operator's own SQL, or the plainest ILIKE where none is configured. */

import type { Settings } from '../config/settings.ts';
import { quoteName } from '../db/identifiers.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import type { Pool } from '../db/pool.ts';
import { ConfigError, messageOf } from '../errors.ts';
import type { Target } from '../table/target.ts';

/** $1 query text, $2 number of rows; the first column is the key. */
export function legacySql(target: Target, settings: Settings): string {
  if (settings.legacySearch !== undefined) return settings.legacySearch;
  return `SELECT ${target.ref}.${quoteName(target.key)} FROM ${target.table}
    WHERE ${target.where} AND ${target.text} ILIKE '%' || $1 || '%' ORDER BY 1 LIMIT $2`;
}

/** @throws ConfigError where the operator's SQL does not run. */
export async function legacySearch(
  pool: Pool,
  target: Target,
  settings: Settings,
  text: string,
  k: number,
): Promise<{ keys: string[]; milliseconds: number }> {
  try {
    return await inTransaction(pool, TABLE_LIMITS, async (client) => {
      // Somebody else's SQL runs here: it may read and nothing else.
      await client.query('SET TRANSACTION READ ONLY');
      const started = performance.now();
      const found = await client.query<unknown[]>({
        text: legacySql(target, settings),
        values: [text, k],
        rowMode: 'array',
      });
      return {
        keys: found.rows.slice(0, k).map((row) => String(row[0])),
        milliseconds: performance.now() - started,
      };
    });
  } catch (error) {
    throw new ConfigError(`The legacy search does not run: ${messageOf(error)}.`, {
      code: 'LEGACY_SEARCH_FAILED',
      remedy:
        'Correct legacySearch (--legacy-search, env BACKFILL_LEGACY_SEARCH): SQL with $1 the query text, $2 the number of rows, the key as first column.',
      cause: error,
    });
  }
}
