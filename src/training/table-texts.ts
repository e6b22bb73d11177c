/** The texts of the configured table, as they will be embedded, for training on them. */

import type { Queryable } from '../db/pool.ts';
import { createMasker, tryMask } from '../masking/masker.ts';
import type { MaskPolicy } from '../masking/policy.ts';
import { keyAliases, keyTextSql } from '../table/key.ts';
import { orderedKeysSql } from '../table/key-range.ts';
import type { Target } from '../table/backfill-target.ts';
import { beginningSql } from '../table/text-expressions.ts';

/** Rows per statement: no transaction stays open while training works. */
const PAGE_ROWS = 1000;

/** More of a text than this never reaches the model. */
const MAX_CHARACTERS = 200_000;

type Source = Pick<Target, 'table' | 'ref' | 'key' | 'text' | 'where'>;

/** Every eligible row once, by keyset. */
export async function* tableTexts(db: Queryable, target: Source): AsyncGenerator<string> {
  const text = beginningSql(target.text, String(MAX_CHARACTERS));
  let after: string | null = null;
  for (;;) {
    const values: unknown[] = [];
    const rows = orderedKeysSql(target, { lower: after, isAfter: true, upper: null }, values, {
      from: target.table,
      condition: target.where,
      columns: `, ${text} AS pgvb_text`,
    });
    const found: { rows: { key: string; text: string }[] } = await db.query(
      `SELECT ${keyTextSql(target, keyAliases(target))} AS key, pgvb_text AS text FROM (${rows} LIMIT ${PAGE_ROWS}) pgvb_page`,
      values,
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
