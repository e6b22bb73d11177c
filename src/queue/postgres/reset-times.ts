/**
 * Times of BullMQ's in PostgreSQL that lie in the future: until then nobody looks for jobs of workers that are gone, nor
 * takes those jobs. A worker of an older release whose clock was ahead has written them, or the server's own clock was.
 */

import type pg from 'pg';
import { QUEUE_SCHEMA } from '../address.ts';

/** Far beyond any lock: who is at a job renews it every few seconds. */
const FUTURE_MS = 600_000;

const NOW_MS = '(pg_catalog.date_part($$epoch$$, pg_catalog.clock_timestamp()) * 1000)::bigint';

/** @returns how many were set to now */
export async function resetTimes(
  db: Pick<pg.ClientBase, 'query'>,
  queues: readonly string[],
): Promise<number> {
  const reset = await db.query<{ n: number }>(
    `WITH looks AS (
       UPDATE ${QUEUE_SCHEMA}.meta SET value = ${NOW_MS}::text
        WHERE queue = ANY ($1::text[]) AND field = 'stalled-check' AND value::bigint > ${NOW_MS} + $2 RETURNING 1),
     locks AS (
       UPDATE ${QUEUE_SCHEMA}.job SET locked_until_ms = ${NOW_MS}
        WHERE queue = ANY ($1::text[]) AND state = 'active' AND locked_until_ms > ${NOW_MS} + $2 RETURNING 1)
     SELECT (SELECT count(*) FROM looks)::int + (SELECT count(*) FROM locks)::int AS n`,
    [queues, FUTURE_MS],
  );
  return reset.rows[0]?.n ?? 0;
}
