import { quoteName } from '../../db/identifiers.ts';
import type { Pool } from '../../db/pool.ts';
import { readTexts } from '../../table/read-texts.ts';
import type { Target } from '../../table/backfill-target.ts';

/** Each column of rows' texts by itself, by key. @param characters of each, or a few more */
export async function textColumns(
  pool: Pool,
  target: Target,
  names: readonly string[],
  keys: readonly string[],
  characters: number,
): Promise<Map<string, (string | null)[]>> {
  const parts = new Map<string, (string | null)[]>(keys.map((key) => [key, names.map(() => null)]));
  for (const [at, name] of names.entries()) {
    const text = `(coalesce(${target.ref}.${quoteName(name)}::pg_catalog.text, '') COLLATE pg_catalog."default")`;
    for (const row of await readTexts(pool, { ...target, text }, keys, characters)) {
      const of = parts.get(row.key);
      if (of !== undefined) of[at] = row.text;
    }
  }
  return parts;
}
