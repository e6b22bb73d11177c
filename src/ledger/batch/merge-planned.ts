import type { Queryable } from '../../db/pool.ts';

/** A range in which planning has found nothing to do. */
export interface DoneRange {
  number: number;
  rows: number;
  embedded: number;
  skipped: number;
  quarantined: number;
  truncated: number;
  adopted: number;
  passages: number;
}

/** Ranges without work are merged from the start, with what was counted in them. */
export async function mergePlanned(db: Queryable, run: string, done: readonly DoneRange[]): Promise<void> {
  if (done.length === 0) return;
  await db.query(
    `UPDATE pgvector_backfill.batch b SET state = 'merged', merged_at = now(), eligible = d.eligible, embedded = d.embedded,
            skipped = d.skipped, quarantined = d.quarantined, truncated = d.truncated, adopted = d.adopted, passages = d.passages
       FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
         AS d (number, eligible, embedded, skipped, quarantined, truncated, adopted, passages)
      WHERE b.run = $1 AND b.number = d.number`,
    [
      run,
      done.map((d) => d.number),
      done.map((d) => d.rows),
      done.map((d) => d.embedded),
      done.map((d) => d.skipped),
      done.map((d) => d.quarantined),
      done.map((d) => d.truncated),
      done.map((d) => d.adopted),
      done.map((d) => d.passages),
    ],
  );
}
