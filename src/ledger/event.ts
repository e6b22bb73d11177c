/** The event log: who reads the ledger later finds what happened and why. Keys and counts only, never row text. */

import type { Queryable } from '../db/pool.ts';
import { jsonWords, jsonWordsSql, words, wordsSql } from '../db/words.ts';

export interface LedgerEvent {
  backfill: string;
  run: string | null;
  level: 'info' | 'warn' | 'error';
  /** Dotted and stable, such as `index.built`. */
  kind: string;
  message: string;
  detail?: Record<string, unknown>;
}

export async function recordEvent(db: Queryable, event: LedgerEvent): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.event (backfill, run, level, kind, message, detail) VALUES ($1, $2, $3, $4, ${wordsSql('$5')}, ${jsonWordsSql('$6')})`,
    [event.backfill, event.run, event.level, event.kind, words(event.message), jsonWords(event.detail ?? {})],
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
