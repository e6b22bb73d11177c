/** The event log: who reads the ledger later finds what happened and why. Keys and counts only, never row text. */

import type { Queryable } from '../../db/pool.ts';
import { utf8Json, utf8JsonSql, utf8, utf8Sql } from '../../db/utf8-text.ts';

export interface LedgerEvent {
  backfill: string;
  run: string | null;
  level: 'info' | 'warn' | 'error';
  /** Dotted and stable, such as `index.built`. */
  kind: string;
  message: string;
  detail?: Record<string, unknown>;
}

/** Of each kind, the newest: what happens again and again for years is no history, and what happened once stays. */
const KEPT = 1000;
/** Between two looks for older ones. */
const EVERY = 50n;

export async function recordEvent(db: Queryable, event: LedgerEvent): Promise<void> {
  const recorded = await db.query<{ id: string }>(
    `INSERT INTO pgvector_backfill.event (backfill, run, level, kind, message, detail)
     VALUES ($1, $2, $3, $4, ${utf8Sql('$5')}, ${utf8JsonSql('$6')}) RETURNING id::text AS id`,
    [event.backfill, event.run, event.level, event.kind, utf8(event.message), utf8Json(event.detail ?? {})],
  );
  if (BigInt(recorded.rows[0]?.id ?? 1) % EVERY === 0n) await forgetOld(db, event);
}

/** What kept jobs that are on the queue from being done, and does no more. @param run null where it is of no run */
export const recordMended = (
  db: Queryable,
  backfill: string,
  run: string | null,
  message: string,
): Promise<void> => recordEvent(db, { backfill, run, level: 'warn', kind: 'queue.mended', message });

/** Others may be at it: nobody waits for them. */
async function forgetOld(db: Queryable, { backfill, kind }: LedgerEvent): Promise<void> {
  await db.query(
    `DELETE FROM pgvector_backfill.event WHERE id IN (
       SELECT e.id FROM pgvector_backfill.event e
        WHERE e.backfill = $1 AND e.kind = $2
          AND e.id <= (SELECT n.id FROM pgvector_backfill.event n
                        WHERE n.backfill = $1 AND n.kind = $2 ORDER BY n.id DESC OFFSET $3 LIMIT 1)
          FOR UPDATE SKIP LOCKED)`,
    [backfill, kind, KEPT],
  );
}

export interface ListedEvent {
  /** ISO 8601. */
  at: string;
  level: LedgerEvent['level'];
  kind: string;
  message: string;
}

/** The newest first, at most `limit`. */
export async function listEvents(db: Queryable, backfill: string, limit: number): Promise<ListedEvent[]> {
  const listed = await db.query<Omit<ListedEvent, 'at'> & { at: Date }>(
    `SELECT at, level, kind, message FROM pgvector_backfill.event WHERE backfill = $1 ORDER BY id DESC LIMIT $2`,
    [backfill, limit],
  );
  return listed.rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}
