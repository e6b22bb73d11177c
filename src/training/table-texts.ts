/** The texts of the configured table, as they will be embedded, for training on them. */

import type { Pool, Queryable } from '../db/pool.ts';
import { isOfARow } from '../db/sqlstates.ts';
import { TABLE_LIMITS, inReadOnly } from '../db/transaction.ts';
import { createMasker, tryMask } from '../masking/masker.ts';
import type { MaskPolicy } from '../masking/policy.ts';
import { estimatedRows } from '../table/estimated-rows.ts';
import { keyAliases, keyTextSql } from '../table/key.ts';
import { allAfter, orderedKeysSql } from '../table/key-range.ts';
import type { Target } from '../table/backfill-target.ts';
import { readTexts } from '../table/read-texts.ts';
import { sampleSql } from '../table/sample-rows.ts';
import { beginningSql } from '../table/text-expressions.ts';

/** Rows per statement: no transaction stays open while training works. */
const PAGE_ROWS = 1000;

/** More of a text than this never reaches the model. */
export const MAX_CHARACTERS = 200_000;

type Source = Pick<Target, 'table' | 'ref' | 'key' | 'text' | 'where'>;

/**
 * Every eligible row once, by keyset.
 * @param readable texts of those of these rows that can be read, for a page with one that cannot
 */
export async function* tableTexts(
  db: Queryable,
  target: Source,
  readable: ((keys: readonly string[]) => Promise<readonly { text: string }[]>) | null = null,
): AsyncGenerator<string> {
  const text = beginningSql(target.text, String(MAX_CHARACTERS));
  const page = async (after: string | null, read: Read): Promise<Row[]> => {
    const values: unknown[] = [];
    const rows = orderedKeysSql(target, allAfter(after), values, {
      from: target.table,
      ...read,
    });
    const found = await db.query<Row>(
      `SELECT ${keyTextSql(target, keyAliases(target))} AS key, pgvb_text AS text FROM (${rows} LIMIT ${PAGE_ROWS}) pgvb_page`,
      values,
    );
    return found.rows;
  };
  for (let after: string | null = null; ;) {
    const read: Row[] | null = await page(after, {
      condition: target.where,
      columns: `, ${text} AS pgvb_text`,
    }).catch((error: unknown) => {
      if (readable === null || !isOfARow(error)) throw error;
      return null;
    });
    const rows: Row[] = read ?? (await page(after, { condition: 'true', columns: `, NULL AS pgvb_text` }));
    const keys: string[] = rows.map(({ key }) => key);
    const texts = read ?? (await readable?.(keys)) ?? [];
    for (const each of texts) yield each.text;
    const last: string | undefined = keys.at(-1);
    if (last === undefined) return;
    after = last;
  }
}

interface Row {
  key: string;
  text: string;
}

interface Read {
  condition: string;
  columns: string;
}

/** Of a larger table rows are drawn, about half as many. */
const WHOLE_TABLE_ROWS = 200_000;
const DRAWN_ROWS = WHOLE_TABLE_ROWS / 2;
/** Of a condition that few rows meet, or of pages that are half empty, more have to be looked at. */
const KEYS_PER_ROW = 4;
/** Drawn rows whose texts are held at a time. */
const DRAWN_PAGE_ROWS = 200;

/** Every eligible row once, or of a large table those of a sample, in time and memory that do not grow with it. */
export async function* sampledTexts(pool: Pool, target: Target): AsyncGenerator<string> {
  const read = (keys: readonly string[]): Promise<{ text: string }[]> =>
    readTexts(pool, target, keys, MAX_CHARACTERS);
  const rows = await estimatedRows(pool, target.table);
  if (rows <= WHOLE_TABLE_ROWS) {
    yield* tableTexts(pool, target, read);
    return;
  }
  const most = KEYS_PER_ROW * DRAWN_ROWS;
  const drawn = await inReadOnly(pool, TABLE_LIMITS, (client) =>
    client.query<{ key: string }>(sampleSql(target), [Math.min(100, (100 * most) / rows), most]),
  );
  let yielded = 0;
  for (let at = 0; at < drawn.rows.length && yielded < DRAWN_ROWS; at += DRAWN_PAGE_ROWS) {
    const page = await read(drawn.rows.slice(at, at + DRAWN_PAGE_ROWS).map(({ key }) => key));
    for (const { text } of page) yield text;
    yielded += page.length;
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
