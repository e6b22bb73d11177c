import { quoteName } from '../db/identifiers.ts';
import type { Pool } from '../db/pool.ts';
import { isOfARow } from '../db/sqlstates.ts';
import { TABLE_LIMITS, inReadOnly } from '../db/transaction.ts';
import { keyInSql, keyTextSql, legacyKey } from './key.ts';
import type { Target } from './backfill-target.ts';
import { beginningSql, emptyTextSql } from './text-expressions.ts';

export interface TextRow {
  key: string;
  /** Its first characters. */
  text: string;
  /** Of the same moment, where it was asked for; null where the row has none. */
  vector?: string | null;
}

/**
 * Texts of these rows, of those that take part and have one. A row that cannot be read is left out: it is found by halving
 * and told of, and the others are read all the same. Changes nothing.
 * @param characters of each text, or a few more. @param vectors with those that are there
 */
export async function readTexts(
  pool: Pool,
  target: Target,
  keys: readonly string[],
  characters: number,
  onUnreadable: (key: string, error: unknown) => void = () => {},
  vectors = false,
): Promise<TextRow[]> {
  const key = legacyKey(target);
  const sql = (
    some: readonly string[],
    values: unknown[],
  ): string => `SELECT ${keyTextSql(target, key)} AS key, ${beginningSql('pgvb_text', `$${values.push(characters)}::int`)} AS text${vectors ? `, ${target.ref}.${quoteName(target.column)}::text AS vector` : ''}
       FROM ${target.table} CROSS JOIN LATERAL (SELECT ${target.text} AS pgvb_text OFFSET 0) pgvb_texts
      WHERE ${keyInSql(target, key, some, values)} AND CASE WHEN ${target.where}
            -- What encoding it, as for its hash, would raise is no text either.
            THEN convert_to(pgvb_text, 'UTF8') IS NOT NULL AND NOT (${emptyTextSql('pgvb_text')}) END`;
  const read = async (some: readonly string[]): Promise<TextRow[]> => {
    const [only] = some;
    if (only === undefined) return [];
    try {
      return (
        await inReadOnly(pool, TABLE_LIMITS, (client) => {
          const values: unknown[] = [];
          return client.query<TextRow>(sql(some, values), values);
        })
      ).rows;
    } catch (error) {
      if (!isOfARow(error)) throw error;
      if (some.length === 1) {
        onUnreadable(only, error);
        return [];
      }
      const middle = Math.ceil(some.length / 2);
      return [...(await read(some.slice(0, middle))), ...(await read(some.slice(middle)))];
    }
  };
  return read(keys);
}
