/** Rows of the configured table for looking at what masking does: a repeatable sample of texts, embedded or not. */

import { quoteName } from '../db/identifiers.ts';
import type { Pool } from '../db/pool.ts';
import { estimatedRows, relationBytesSql } from './partitions.ts';
import { readTexts, type TextRow } from './read-texts.ts';
import type { Target } from './backfill-target.ts';

/** Values to mask are rare: so many rows are drawn for one that is shown. */
const DRAWN_PER_SHOWN = 20;
const MIN_DRAWN = 500;
const MAX_DRAWN = 5000;
/** Pages are sampled, and a page's rows are neighbours in the table: several times the rows wanted, then thinned. */
const OVERSAMPLING = 4;
/** Enough to look at: times MAX_DRAWN it shall fit into memory. */
const MAX_CHARACTERS = 20_000;

/** More rows than `shown`, so that those where something is masked can be preferred. Reads only. */
export async function sampleTexts(db: Pool, target: Target, shown: number): Promise<TextRow[]> {
  const count = Math.min(MAX_DRAWN, Math.max(MIN_DRAWN, shown * DRAWN_PER_SHOWN));
  const share = Math.min(100, (100 * OVERSAMPLING * count) / Math.max(await rowsAbout(db, target), 1));
  const rows = await draw(db, target, share, count);
  // On a small or unevenly filled table, or where few rows are eligible, a draw of pages can come out short.
  return rows.length < shown && share < 100 ? draw(db, target, 100, count) : rows;
}

/** By the statistics; of a table without any, a row per page at least, which errs on the side of reading more. */
async function rowsAbout(db: Pool, target: Target): Promise<number> {
  const found = await db.query<{ rows: number }>(
    `SELECT ${relationBytesSql('$1::regclass')} / current_setting('block_size')::int AS rows`,
    [target.table],
  );
  return Math.max(found.rows[0]?.rows ?? 0, await estimatedRows(db, target.table));
}

async function draw(db: Pool, target: Target, share: number, count: number): Promise<TextRow[]> {
  const key = `${target.ref}.${quoteName(target.key)}`;
  const found = await db.query<{ key: string }>(
    `SELECT ${key}::text AS key FROM ${target.table} TABLESAMPLE SYSTEM ($1) REPEATABLE (1) ORDER BY md5(${key}::text) LIMIT $2`,
    [share, count * DRAWN_PER_SHOWN],
  );
  const rows: TextRow[] = [];
  // Of a condition that few rows meet, many have to be looked at.
  for (let at = 0; at < found.rows.length && rows.length < count; at += count) {
    const keys = found.rows.slice(at, at + count).map((row) => row.key);
    rows.push(...(await readTexts(db, target, keys, MAX_CHARACTERS)));
  }
  return rows.slice(0, count);
}
