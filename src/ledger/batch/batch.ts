/** Batches: one key range, one job each. */

import type { Queryable } from '../../db/pool.ts';
import { utf8, utf8Sql } from '../../db/utf8-text.ts';
import { WORKER_NAME } from '../../observability/worker-name.ts';
import { keyAliases, keyBeforeSql, keyListSql, parsedKeySql, type Keyed } from '../../table/key.ts';
import type { KeyRange } from '../../table/key-range.ts';
import { newestSql, shareFence } from '../run/fence.ts';
import { OPEN_STATES } from '../run/run.ts';

export interface PlannedBatch extends KeyRange {
  number: number;
  rows: number;
}

export interface BatchCounts {
  eligible: number;
  embedded: number;
  skipped: number;
  quarantined: number;
  /** Rows whose text moved on while the batch was under way. */
  changed: number;
  /** Embedded rows of whose text only the beginning was read. */
  truncated: number;
  /** Embedded rows whose vector was there before. */
  adopted: number;
  /** Of the embedded rows; 0 where each has one vector. */
  passages: number;
}

/**
 * Number of the first range that was cut out of a batch as the table grew. Below it are the batches as they were planned,
 * numbered in the order of their keys.
 */
export const FIRST_PART = 1_000_000_001;

/** A batch in progress. Whoever holds an older token has been overtaken. */
export interface ClaimedBatch extends KeyRange {
  kind: 'batch';
  run: string;
  number: number;
  token: number;
}

export async function insertBatches(
  db: Queryable,
  run: string,
  batches: readonly PlannedBatch[],
): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.batch (run, number, lower_key, upper_key, rows)
     SELECT $1, number, lower_key, upper_key, rows
       FROM unnest($2::int[], $3::text[], $4::text[], $5::bigint[]) AS b (number, lower_key, upper_key, rows)
     ON CONFLICT (run, number) DO UPDATE SET upper_key = excluded.upper_key, rows = excluded.rows`,
    [
      run,
      batches.map((b) => b.number),
      batches.map((b) => b.lower),
      batches.map((b) => b.upper),
      batches.map((b) => b.rows),
    ],
  );
}

/** By key, of those that were planned; it ends where the last range ends that was cut out of it. */
export async function lastBatch(
  db: Queryable,
  run: string,
): Promise<(PlannedBatch & { isMerged: boolean }) | null> {
  const found = await db.query<PlannedBatch & { isMerged: boolean }>(
    `SELECT b.number, b.lower_key AS lower, ends.upper, b.rows::float8 AS rows, b.state = 'merged' AS "isMerged"
       FROM (SELECT * FROM pgvector_backfill.batch WHERE run = $1 AND number < $2 ORDER BY number DESC LIMIT 1) b,
            LATERAL (SELECT p.upper_key AS upper FROM pgvector_backfill.batch p
                      WHERE p.run = b.run AND (p.number = b.number OR p.part_of = b.number)
                        AND NOT EXISTS (SELECT 1 FROM pgvector_backfill.batch n WHERE n.run = b.run AND n.part_of = b.number AND n.lower_key = p.upper_key)) ends`,
    [run, FIRST_PART],
  );
  return found.rows[0] ?? null;
}

/** A page of the batches that are not merged, in order of their number. */
export async function unfinishedBatches(
  db: Queryable,
  run: string,
  after: number,
  limit: number,
): Promise<PlannedBatch[]> {
  const found = await db.query<PlannedBatch>(
    `SELECT number, lower_key AS lower, upper_key AS upper, rows::float8 AS rows FROM pgvector_backfill.batch
      WHERE run = $1 AND state <> 'merged' AND number > $2 ORDER BY number LIMIT $3`,
    [run, after, limit],
  );
  return found.rows;
}

/** Batches that somebody has to work on, and those of them that nobody has begun, or begun again, for so long. */
export async function openBatchCounts(
  db: Queryable,
  run: string,
  quietSeconds: number,
): Promise<{ open: number; quiet: number }> {
  const counted = await db.query<{ open: number; quiet: number }>(
    `SELECT count(*)::int AS open, count(*) FILTER (WHERE ${QUIET})::int AS quiet
       FROM pgvector_backfill.batch WHERE run = $1 AND state IN ('pending', 'staged')`,
    [run, quietSeconds],
  );
  return counted.rows[0] ?? { open: 0, quiet: 0 };
}

/** A page of the latter, in order of their number. Not those that failed: they wait for the operator. */
export async function quietBatches(
  db: Queryable,
  run: string,
  quietSeconds: number,
  after: number,
  limit: number,
): Promise<PlannedBatch[]> {
  const found = await db.query<PlannedBatch>(
    `SELECT number, lower_key AS lower, upper_key AS upper, rows::float8 AS rows FROM pgvector_backfill.batch
      WHERE run = $1 AND state IN ('pending', 'staged') AND ${QUIET} AND number > $3 ORDER BY number LIMIT $4`,
    [run, quietSeconds, after, limit],
  );
  return found.rows;
}

const QUIET = `coalesce(started_at < now() - make_interval(secs => $2), true)`;

/** Failed batches get another set of attempts. @returns how many there were. */
export async function reopenFailedBatches(db: Queryable, run: string): Promise<number> {
  const reopened = await db.query(
    `UPDATE pgvector_backfill.batch SET state = CASE WHEN staged_at IS NULL THEN 'pending' ELSE 'staged' END, reason = ''
      WHERE run = $1 AND state = 'failed'`,
    [run],
  );
  return reopened.rowCount ?? 0;
}

/** Merged batches of these rows are open again. @returns how many there were. */
export async function reopenBatchesOf(
  db: Queryable,
  target: Keyed,
  run: string,
  keys: readonly string[],
): Promise<number> {
  if (keys.length === 0) return 0;
  const values: unknown[] = [run];
  const key = keyAliases(target, 'k.');
  const reopened = await db.query(
    `UPDATE pgvector_backfill.batch b SET state = 'staged', reason = '' WHERE run = $1 AND state = 'merged'
        AND EXISTS (SELECT 1 FROM ${keyListSql(target, keys, values, 'k')}
                     WHERE (b.lower_key IS NULL OR ${keyBeforeSql(target, parsedKeySql(target, 'b.lower_key'), key, true)})
                       AND (b.upper_key IS NULL OR ${keyBeforeSql(target, key, parsedKeySql(target, 'b.upper_key'))}))`,
    values,
  );
  return reopened.rowCount ?? 0;
}

/**
 * Takes a batch with a new token. Null where there is nothing to do: unknown, merged already, or of a run
 * that is not open.
 */
export async function claimBatch(
  db: Queryable,
  runUid: string,
  number: number,
): Promise<ClaimedBatch | null> {
  const claimed = await db.query<Omit<ClaimedBatch, 'kind'>>(
    `UPDATE pgvector_backfill.batch b SET token = token + 1, attempts = attempts + 1, started_at = now(), worker = $4
       FROM pgvector_backfill.run r
      WHERE r.uid = $1 AND b.run = r.id AND b.number = $2 AND b.state <> 'merged' AND r.state = ANY ($3)
      RETURNING b.run::text AS run, b.number, b.token, b.lower_key AS lower, b.upper_key AS upper`,
    [runUid, number, OPEN_STATES, WORKER_NAME],
  );
  const [batch] = claimed.rows;
  return batch === undefined ? null : { kind: 'batch', ...batch };
}

/** Locks the batch for the rest of the transaction. False where another worker, or a newer run, has taken over meanwhile. */
export async function lockBatch(db: Queryable, batch: ClaimedBatch): Promise<boolean> {
  await shareFence(db, batch.run);
  const held = await db.query(
    `SELECT 1 FROM pgvector_backfill.batch WHERE run = $1 AND number = $2 AND token = $3 AND state <> 'merged'
        AND ${newestSql('$1')} FOR UPDATE`,
    [batch.run, batch.number, batch.token],
  );
  return held.rowCount === 1;
}

/** Two jsonb objects of counts by name → one with their sums. */
export const addCountsSql = (column: string, more: string): string =>
  `(SELECT coalesce(jsonb_object_agg(key, total), '{}') FROM (
      SELECT key, sum(value::bigint) AS total FROM (
        SELECT * FROM jsonb_each_text(${column}) UNION ALL SELECT * FROM jsonb_each_text(${more}::jsonb)) parts
       GROUP BY key) sums)`;

/**
 * In the transaction that stages the vectors, so that what it cost is counted just once, whatever happens later.
 * `masked`: values by type.
 */
export async function markStaged(
  db: Queryable,
  batch: ClaimedBatch,
  cost: { tokens: number; masked: Record<string, number> },
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.batch SET state = 'staged', staged_at = now(), tokens = tokens + $4,
            masked = ${addCountsSql('masked', '$5')}
      WHERE run = $1 AND number = $2 AND token = $3`,
    [batch.run, batch.number, batch.token, cost.tokens, JSON.stringify(cost.masked)],
  );
}

export async function markMerged(db: Queryable, batch: ClaimedBatch, counts: BatchCounts): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.batch SET state = 'merged', merged_at = now(), reason = '', eligible = $4, embedded = $5,
            skipped = $6, quarantined = $7, changed = $8, truncated = $9, adopted = $10, passages = $11
      WHERE run = $1 AND number = $2 AND token = $3`,
    [
      batch.run,
      batch.number,
      batch.token,
      counts.eligible,
      counts.embedded,
      counts.skipped,
      counts.quarantined,
      counts.changed,
      counts.truncated,
      counts.adopted,
      counts.passages,
    ],
  );
}

/** For good: the queue has no attempts left for it. */
export async function markFailed(
  db: Queryable,
  runUid: string,
  number: number,
  reason: string,
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.batch b SET state = 'failed', reason = ${utf8Sql('$3')}, failed_at = now() FROM pgvector_backfill.run r
      WHERE r.uid = $1 AND b.run = r.id AND b.number = $2 AND b.state <> 'merged'`,
    [runUid, number, utf8(reason)],
  );
}

/** Gives an attempt back that a configuration fault would have burnt. */
export async function returnAttempt(db: Queryable, batch: ClaimedBatch, reason: string): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.batch SET attempts = greatest(attempts - 1, 0), reason = ${utf8Sql('$4')} WHERE run = $1 AND number = $2 AND token = $3`,
    [batch.run, batch.number, batch.token, utf8(reason)],
  );
}
