import type { Pool } from '../db/pool.ts';
import { TABLE_LIMITS, inReadOnly } from '../db/transaction.ts';
import type { Target } from './backfill-target.ts';
import { estimatedRows } from './estimated-rows.ts';
import { readTexts, type TextRow } from './read-texts.ts';
import { MORE_PAGES, drawEnough, sampleSql } from './sample-rows.ts';

export interface TextSample {
  texts: TextRow[];
  unreadable: { key: string; error: unknown }[];
}

/** Keys that are drawn for a text: of a condition that few rows meet, many have to be looked at. */
const KEYS_PER_TEXT = 20;

/** Texts of rows on that share of the pages, embedded or not. Reads only. @param characters of each text, or a few more */
export async function sampleTexts(
  pool: Pool,
  target: Target,
  percent: number,
  { rows, characters }: { rows: number; characters: number },
): Promise<TextSample> {
  const drawn = await inReadOnly(pool, TABLE_LIMITS, (client) =>
    client.query<{ key: string }>(sampleSql(target), [percent, rows * KEYS_PER_TEXT]),
  );
  const sample: TextSample = { texts: [], unreadable: [] };
  for (let at = 0; at < drawn.rows.length && sample.texts.length < rows; at += rows) {
    const keys = drawn.rows.slice(at, at + rows).map(({ key }) => key);
    const read = await readTexts(pool, target, keys, characters, (key, error) =>
      sample.unreadable.push({ key, error }),
    );
    sample.texts.push(...read);
  }
  return { ...sample, texts: sample.texts.slice(0, rows) };
}

/** From as few pages as will do, of a table of whatever size. Reads only. */
export async function drawTexts(
  pool: Pool,
  target: Target,
  wanted: { rows: number; characters: number },
): Promise<TextSample> {
  const rows = await estimatedRows(pool, target.table);
  const percent = rows <= 20 * wanted.rows ? 100 : (100 * 4 * wanted.rows) / rows;
  return drawEnough(
    (share) => sampleTexts(pool, target, share, wanted),
    { percent, more: Math.min(100, MORE_PAGES * percent) },
    ({ texts }) => texts.length < wanted.rows / 4,
  );
}
