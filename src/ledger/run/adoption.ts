/** Vectors that were in the column before us, and that a run takes over. */

import type { Queryable } from '../../db/pool.ts';

/** What is kept of the sample with the run that goes by it. */
export interface Adoption {
  /** ISO 8601: the vectors are those of this moment. Rows that were written later are embedded. */
  at: string;
  /** The oldest transaction of the database that was not over then: xid8 as text. What it and later ones wrote is not taken over. */
  boundary: string;
  /** Rows that were embedded again and compared. */
  sampled: number;
  disagreed: number;
  /** The least cosine of the sample. */
  lowest: number | null;
  /** Of those that agree. */
  lowestAgreeing: number | null;
  /** Share of vectors beyond the sample that may disagree, at most, with 95 % confidence; 0 where there are none beyond it. */
  mayDisagree: number;
  /** The options at that moment. */
  minAgreement: number;
  maxDisagreement: number;
  /** Vectors of another length than 1 are not taken over. */
  unitLength: boolean;
}

/** One row of the sample. */
export interface Disagreement {
  key: string;
  /** Of the stored vector to the one that the model gives. */
  cosine: number;
}

/** In the transaction that makes the run. */
export async function saveDisagreements(
  db: Queryable,
  run: string,
  rows: readonly Disagreement[],
): Promise<void> {
  if (rows.length === 0) return;
  await db.query(
    `INSERT INTO pgvector_backfill.adoption_disagreement (run, key, cosine)
     SELECT $1, key, cosine FROM unnest($2::text[], $3::float8[]) AS d (key, cosine)`,
    [run, rows.map(({ key }) => key), rows.map(({ cosine }) => cosine)],
  );
}

/** Condition on a key as text: the sample found no fault with the row's vector. @param run placeholder of its id */
export const notDisagreeingSql = (run: string, key: string): string =>
  `NOT EXISTS (SELECT 1 FROM pgvector_backfill.adoption_disagreement pgvb_disagreement
                WHERE pgvb_disagreement.run = ${run} AND pgvb_disagreement.key = ${key})`;

/** Of the newest run that takes vectors over: they stay what they are under the runs behind it. Null where none does. */
export async function latestAdoption(db: Queryable, backfill: string): Promise<Adoption | null> {
  const found = await db.query<{ adoption: Adoption }>(
    'SELECT adoption FROM pgvector_backfill.run WHERE backfill = $1 AND adoption IS NOT NULL ORDER BY id DESC LIMIT 1',
    [backfill],
  );
  return found.rows[0]?.adoption ?? null;
}

/**
 * The moment from which on writes are none of the vectors that are taken over: the oldest transaction under way that may
 * write to the table, or else the next one. Whoever is known to be in another database may not. Subtransactions have
 * higher numbers than the one that they belong to.
 */
export async function adoptionBoundary(db: Queryable): Promise<Pick<Adoption, 'at' | 'boundary'>> {
  const found = await db.query<{ boundary: string; at: Date }>(
    `SELECT coalesce((SELECT min(x.xid::text::bigint) FROM pg_snapshot_xip(s.snapshot) AS x (xid)
                       WHERE NOT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                                          WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
                                            AND l.transactionid::text::bigint = x.xid::text::bigint & 4294967295
                                            AND a.datid <> (SELECT oid FROM pg_database WHERE datname = current_database()))),
                     pg_snapshot_xmax(s.snapshot)::text::bigint)::text AS boundary, now() AS at
       FROM (SELECT pg_current_snapshot() AS snapshot) s`,
  );
  const [row] = found.rows;
  return { boundary: row?.boundary ?? '0', at: (row?.at ?? new Date(0)).toISOString() };
}

/**
 * Whether the version of a row that is seen was written before the boundary. Without any trigger: whoever writes a row leaves
 * the number of its transaction on it. Those numbers have 32 bits and come round; counted from the boundary on, one up to
 * the present one was given since. Where that is as good as all of them, or the server counts from an earlier number
 * than the boundary's (it is another one), nothing is known to be older.
 * @param boundary placeholder of it
 */
export function writtenBeforeSql(ref: string, boundary: string): string {
  const since = (xid: string): string => `(${xid}::text::bigint - ${boundary}::bigint)`;
  const present = since('pg_snapshot_xmax(pg_current_snapshot())');
  return `(${present} >= 0 AND (${since(`${ref}.xmin`)} & 4294967295) > ${present})`;
}
