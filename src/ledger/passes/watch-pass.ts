/** Passes of the watch in the ledger, a series for each generation. */

import type { Queryable } from '../../db/pool.ts';
import { utf8, utf8Json, utf8JsonSql, utf8Sql } from '../../db/utf8-text.ts';
import {
  worstRecall,
  type WatchPoint,
  type WatchRecall,
  type WatchResult,
  type WatchVerdict,
} from './pass-result.ts';

export interface NewPass {
  run: string;
  verdict: WatchVerdict;
  /** In words, why. */
  detail: string;
  /** What to do; null where there is nothing to do. */
  remedy: string | null;
  result: WatchResult;
}

export interface WatchPass extends NewPass {
  id: string;
  /** ISO 8601. */
  at: string;
  /** Since then, by the server's clock. */
  ageSeconds: number;
}

const COLUMNS = `id::text AS id, run::text AS run, at, verdict, detail, remedy, result, extract(epoch FROM clock_timestamp() - at)::float8 AS "ageSeconds"`;

/** Those older than `keepDays` go with it. @returns the verdict of the one before; null where it is the first */
export async function savePass(
  db: Queryable,
  backfill: string,
  pass: NewPass,
  keepDays: number,
): Promise<WatchVerdict | null> {
  const before = await lastPass(db, backfill);
  await db.query(
    `INSERT INTO pgvector_backfill.watch_pass (backfill, run, verdict, detail, remedy, result)
     VALUES ($1, $2, $3, ${utf8Sql('$4')}, ${utf8Sql('$5')}, ${utf8JsonSql('$6')})`,
    [
      backfill,
      pass.run,
      pass.verdict,
      utf8(pass.detail),
      pass.remedy === null ? null : utf8(pass.remedy),
      utf8Json(pass.result),
    ],
  );
  await db.query(
    'DELETE FROM pgvector_backfill.watch_pass WHERE backfill = $1 AND at < now() - make_interval(days => $2)',
    [backfill, keepDays],
  );
  return before?.verdict ?? null;
}

/** Null before the first one. */
export const lastPass = async (db: Queryable, backfill: string): Promise<WatchPass | null> =>
  (await listPasses(db, backfill, 1))[0] ?? null;

/** The newest first, at most `limit`. */
export async function listPasses(db: Queryable, backfill: string, limit: number): Promise<WatchPass[]> {
  const found = await db.query<Omit<WatchPass, 'at'> & { at: Date }>(
    `SELECT ${COLUMNS} FROM pgvector_backfill.watch_pass WHERE backfill = $1 ORDER BY watch_pass.id DESC LIMIT $2`,
    [backfill, limit],
  );
  return found.rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

/** Of a pass what a curve needs. */
export interface PassPoint {
  /** ISO 8601. */
  at: string;
  /** Of rows or recorded searches, the worse; null where nothing was measured. */
  recall: Pick<WatchRecall, 'recall' | 'low' | 'high'> | null;
  wanted: number;
}

/** The oldest first, the newest at most. */
export async function recallSeries(db: Queryable, backfill: string, limit: number): Promise<PassPoint[]> {
  const found = await db.query<{ at: Date; recall: WatchPoint['recall'] | null; wanted: number }>(
    `SELECT at, result #> '{points,0,recall}' AS recall, (result ->> 'wanted')::float8 AS wanted
       FROM pgvector_backfill.watch_pass WHERE backfill = $1 ORDER BY watch_pass.id DESC LIMIT $2`,
    [backfill, limit],
  );
  return found.rows.toReversed().map(({ at, recall, wanted }) => ({
    at: at.toISOString(),
    recall: worstRecall({ points: [{ value: 0, recall: recall ?? {}, p50Ms: 0, p95Ms: 0 }] }),
    wanted,
  }));
}
