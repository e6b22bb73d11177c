/** How far a count of the whole table is, so that whoever comes after a process that was killed goes on with it. */

import { randomUUID } from 'node:crypto';
import type { Queryable } from '../../db/pool.ts';
import type { LiveAccounting } from './accounting.ts';

/** What is counted for: counts of different purposes go on beside each other. */
export type CountPurpose = 'coverage' | 'gate' | 'plan';

export interface CountState {
  /** Whoever holds another one has been overtaken, and goes on without a note. */
  token: string;
  /** First key that is not counted yet; null = none is. */
  from: string | null;
  counts: LiveAccounting | null;
}

/** Of a count that nobody goes on with: what was counted before is too old to be added to. */
const RESUME_SECONDS = 300;

export async function beginCount(
  db: Queryable,
  backfill: string,
  purpose: CountPurpose,
  run: string,
): Promise<CountState> {
  const begun = await db.query<CountState>(
    `INSERT INTO pgvector_backfill.count AS c (backfill, purpose, run, token) VALUES ($1, $2, $3, $4)
     ON CONFLICT (backfill, purpose) DO UPDATE SET token = excluded.token, run = excluded.run, saved_at = now(),
       from_key = CASE WHEN c.run = excluded.run AND c.saved_at > now() - make_interval(secs => $5) THEN c.from_key END,
       counts = CASE WHEN c.run = excluded.run AND c.saved_at > now() - make_interval(secs => $5) THEN c.counts END
     RETURNING token, from_key AS from, counts`,
    [backfill, purpose, run, randomUUID(), RESUME_SECONDS],
  );
  return begun.rows[0] as CountState;
}

export async function saveCount(
  db: Queryable,
  backfill: string,
  purpose: CountPurpose,
  { token, from, counts }: CountState,
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.count SET from_key = $4, counts = $5, saved_at = now()
      WHERE backfill = $1 AND purpose = $2 AND token = $3`,
    [backfill, purpose, token, from, JSON.stringify(counts)],
  );
}

/** It is through: the next one begins at the beginning. */
export async function endCount(
  db: Queryable,
  backfill: string,
  purpose: CountPurpose,
  token: string,
): Promise<void> {
  await db.query('DELETE FROM pgvector_backfill.count WHERE backfill = $1 AND purpose = $2 AND token = $3', [
    backfill,
    purpose,
    token,
  ]);
}
