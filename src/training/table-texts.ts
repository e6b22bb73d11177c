/** The texts of the configured table, as they will be embedded, for training on them. */

import { quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { createMasker, tryMask } from '../masking/masker.ts';
import type { MaskPolicy } from '../masking/policy.ts';
import type { Target } from '../table/backfill-target.ts';
import { beginningSql } from '../table/text-expressions.ts';

/** Rows per statement: no transaction stays open while training works. */
const PAGE_ROWS = 1000;

/** More of a text than this never reaches the model. */
const MAX_CHARACTERS = 200_000;

type Source = Pick<Target, 'table' | 'ref' | 'key' | 'keyType' | 'text' | 'where'>;

/** Every eligible row once, by keyset. */
export async function* tableTexts(db: Queryable, target: Source): AsyncGenerator<string> {
  const key = `${target.ref}.${quoteName(target.key)}`;
  let after: string | null = null;
  for (;;) {
    const found: { rows: { key: string; text: string }[] } = await db.query(
      `SELECT ${key}::text AS key, ${beginningSql(target.text, String(MAX_CHARACTERS))} AS text FROM ${target.table}
        WHERE ${target.where} AND ($1::${target.keyType} IS NULL OR ${key} > $1::${target.keyType})
        ORDER BY ${key} LIMIT ${PAGE_ROWS}`,
      [after],
    );
    for (const row of found.rows) yield row.text;
    const last = found.rows.at(-1);
    if (last === undefined) return;
    after = last.key;
  }
}

/** As they will be embedded; one that a rule of the operator's takes too long over is left out, as it is of the run. */
export async function* maskedTexts(texts: AsyncIterable<string>, policy: MaskPolicy): AsyncGenerator<string> {
  const masker = createMasker(policy);
  for await (const text of texts) {
    const masked = tryMask(masker, text);
    if (masked !== null) yield masked.text;
  }
}
