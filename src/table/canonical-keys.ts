/** Keys that come from outside: of a search in use today, of a file of judgements. They may be anything. */

import type { Queryable } from '../db/pool.ts';
import { isOfARow } from '../db/sqlstates.ts';
import { keyAliases, keyParts, keyTextSql, parsedKeySql, type Keyed } from './key.ts';

const LARGEST: Readonly<Record<string, bigint>> = {
  smallint: 2n ** 15n - 1n,
  integer: 2n ** 31n - 1n,
  bigint: 2n ** 63n - 1n,
};
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Whether the server itself would write the key so. What is not sure is asked of it. */
function isAsWritten({ type, isCanonical }: Keyed['key'][number], text: string): boolean {
  const largest = LARGEST[type];
  if (largest !== undefined) {
    if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return false;
    const number = BigInt(text);
    return number <= largest && number >= -largest - 1n;
  }
  if (type === 'uuid') return UUID.test(text);
  return isCanonical && ['text', 'character varying'].includes(type) && !text.includes('\0');
}

/**
 * The keys as the server writes them, by how they were given; what is no key of such a table is absent. In a transaction.
 */
export async function canonicalKeys(
  db: Queryable,
  target: Keyed,
  keys: readonly string[],
): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  const asked: string[] = [];
  for (const key of new Set(keys)) {
    const parts = partsOf(target, key);
    if (parts === null) continue;
    if (target.key.every((column, at) => isAsWritten(column, parts[at] ?? ''))) known.set(key, key);
    else if (!parts.some((part) => part.includes('\0'))) asked.push(key);
  }
  await ask(db, target, asked, known);
  return known;
}

function partsOf(target: Keyed, key: string): string[] | null {
  try {
    return keyParts(target, key);
  } catch {
    return null;
  }
}

/** One that the server does not take is found by halving. */
async function ask(
  db: Queryable,
  target: Keyed,
  keys: readonly string[],
  known: Map<string, string>,
): Promise<void> {
  if (keys.length === 0) return;
  const parsed = parsedKeySql(target, 'given')
    .map((sql, at) => `${sql} AS ${keyAliases(target)[at]}`)
    .join(', ');
  await db.query('SAVEPOINT pgvb_keys');
  try {
    const found = await db.query<{ given: string; key: string }>(
      `SELECT given, ${keyTextSql(target, keyAliases(target))} AS key
         FROM (SELECT given, ${parsed} FROM unnest($1::text[]) AS g (given) OFFSET 0) pgvb_given`,
      [keys],
    );
    await db.query('RELEASE SAVEPOINT pgvb_keys');
    for (const { given, key } of found.rows) known.set(given, key);
  } catch (error) {
    if (!isOfARow(error)) throw error;
    await db.query('ROLLBACK TO SAVEPOINT pgvb_keys');
    if (keys.length === 1) return;
    const middle = Math.ceil(keys.length / 2);
    await ask(db, target, keys.slice(0, middle), known);
    await ask(db, target, keys.slice(middle), known);
  }
}
