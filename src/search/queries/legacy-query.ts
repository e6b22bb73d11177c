/** The search in use today: the operator's own SQL, or the plainest ILIKE where none is configured. */

import type pg from 'pg';
import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { hasSqlState, isUnreachable, SQLSTATE } from '../../db/sqlstates.ts';
import { TABLE_LIMITS, inReadOnlySearch, type TransactionLimits } from '../../db/transaction.ts';
import type { Pool } from '../../db/pool.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { canonicalKeys } from '../../table/canonical-keys.ts';
import { keyInSql, keyNames, keyOfParts, keyTextSql, legacyKey } from '../../table/key.ts';
import type { Target } from '../../table/backfill-target.ts';
import { filterFault, filterSql, filterValues, type Filter } from './filter.ts';
import { assertTrustedCode } from '../../table/trusted-code.ts';
import { assertTrustedFilter } from './trusted-filter.ts';
import { unencodableQuery } from './unencodable-query.ts';
import { skippingUnreadable } from './unreadable-rows.ts';

/** Code of the error where the operator's SQL does not run. */
export const LEGACY_FAILED = 'LEGACY_SEARCH_FAILED';

export interface LegacySearchOptions {
  filter?: Filter | null;
  limits?: TransactionLimits;
}

export interface LegacyAnswer {
  keys: string[];
  milliseconds: number;
  /** Keys that the SQL gave before they were held against a filter that it knows nothing of; null where it needed none of that. */
  filteredOf: number | null;
}

interface LegacyQuery {
  sql: string;
  values: unknown[];
  /** A condition that the SQL has not: the keys found are held against it, so more of them are asked for. */
  behind: Filter | null;
}

/** Rows asked for where a filter comes behind: operator's SQL knows nothing of it. */
const DEEPER = { times: 10, min: 100, max: 1000 };

/** $1 query text, $2 number of rows; the first columns are the key's. */
export function legacySql(target: Target, settings: Settings): string {
  if (settings.legacySearch !== undefined) return settings.legacySearch;
  return ilikeSql(target, null);
}

function ilikeSql(target: Target, filter: Filter | null): string {
  const at = filter?.values.length ?? 0;
  const order = target.key.map((_, column) => column + 1).join(', ');
  return `SELECT ${legacyKey(target).join(', ')} FROM ${target.table}
    WHERE ${target.where}${filterSql(filter)} AND ${target.text} ILIKE pg_catalog.concat('%', $${at + 1}::text, '%') ORDER BY ${order} LIMIT $${at + 2}`;
}

export function legacyQuery(
  target: Target,
  settings: Settings,
  text: string,
  k: number,
  filter: Filter | null,
): LegacyQuery {
  if (filter === null) return { sql: legacySql(target, settings), values: [text, k], behind: null };
  if (filter.legacySearch !== undefined)
    return { sql: filter.legacySearch, values: [text, k, ...filterValues(filter)], behind: null };
  if (settings.legacySearch === undefined)
    return { sql: ilikeSql(target, filter), values: [...filterValues(filter), text, k], behind: null };
  const deep = Math.max(k, Math.min(DEEPER.max, Math.max(DEEPER.min, k * DEEPER.times)));
  return { sql: settings.legacySearch, values: [text, deep], behind: filter };
}

/**
 * @throws ConfigError where the operator's SQL or the filter do not run; GateError (`QUERY_NOT_IN_ENCODING`) where no text of
 * the database can hold the query
 */
export async function legacySearch(
  pool: Pool,
  target: Target,
  settings: Settings,
  text: string,
  k: number,
  { filter = null, limits = TABLE_LIMITS }: LegacySearchOptions = {},
): Promise<LegacyAnswer> {
  await assertTrustedFilter(pool, target, filter);
  await assertTrustedCode(pool, target, 'legacySearch', filter?.legacySearch ?? settings.legacySearch);
  const ask = (asked: Target): Promise<LegacyAnswer> => {
    const { sql, values, behind } = legacyQuery(asked, settings, text, k, filter);
    return inReadOnlySearch(pool, limits, async (client) => {
      const started = performance.now();
      const found = await client.query<unknown[]>({ text: sql, values, rowMode: 'array', types: AS_TEXT });
      const milliseconds = performance.now() - started;
      const given = found.rows.map((row) => keyOfRow(target, row));
      const known = await canonicalKeys(client, target, given);
      // What is no key of the table stays as it came.
      const keys = given.map((key) => known.get(key) ?? key);
      const kept =
        behind === null ? keys : await keepFiltered(client, target, behind, keys, [...known.values()]);
      return {
        keys: kept.slice(0, k),
        milliseconds,
        filteredOf: behind === null ? null : keys.length,
      };
    });
  };
  try {
    // SQL of the operator's is run as it is.
    const isOurs = settings.legacySearch === undefined && filter?.legacySearch === undefined;
    return await (isOurs ? skippingUnreadable(target, ask) : ask(target));
  } catch (error) {
    // The transaction is read-only by our own wish, and the values are for $1 and $2: what these refuse is the operator's
    // SQL, not a server that is a replica or speaks something else.
    const ofSql = hasSqlState(error, SQLSTATE.readOnly, SQLSTATE.protocolViolation);
    if ((isUnreachable(error) && !ofSql) || error instanceof ConfigError) throw error;
    const notHeld = unencodableQuery(error, text);
    if (notHeld !== null) throw notHeld;
    throw new ConfigError(`The legacy search does not run: ${messageOf(error)}.`, {
      code: LEGACY_FAILED,
      remedy: `Correct ${optionName('legacySearch')}: SQL with $1 the query text, $2 the number of rows, ${target.key.length === 1 ? 'the key as first column' : `the key's columns first, in the order ${keyNames(target).join(', ')}`}.`,
      cause: error,
    });
  }
}

/** As the server writes a value, whatever its type: the driver would make numbers and dates of some. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

function keyOfRow(target: Target, row: readonly unknown[]): string {
  const parts = row.slice(0, target.key.length);
  if (parts.length < target.key.length)
    throw new ConfigError(
      `The legacy search gives ${parts.length} of the ${target.key.length} columns of the key.`,
      {
        code: LEGACY_FAILED,
        remedy: `Correct ${optionName('legacySearch')}: its first columns are ${keyNames(target).join(', ')}.`,
      },
    );
  return keyOfParts(parts.map(String));
}

/** @param known those of the keys that a row of the table can have */
async function keepFiltered(
  client: pg.PoolClient,
  target: Target,
  filter: Filter,
  keys: readonly string[],
  known: readonly string[],
): Promise<string[]> {
  const key = legacyKey(target);
  try {
    const values = filterValues(filter);
    const isFound = keyInSql(target, key, known, values);
    const found = await client.query<{ key: string }>(
      `SELECT ${keyTextSql(target, key)} AS key FROM ${target.table} WHERE ${isFound}${filterSql(filter)}`,
      values,
    );
    const kept = new Set(found.rows.map((row) => row.key));
    return keys.filter((each) => kept.has(each));
  } catch (error) {
    throw filterFault(error, filter);
  }
}
