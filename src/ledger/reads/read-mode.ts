/** By which search the applications' reads are answered: kept here, so that a change is one for all of them. */

import type { Queryable } from '../../db/pool.ts';
import { utf8, utf8Sql } from '../../db/utf8-text.ts';

export const READ_MODES = ['legacy', 'shadow', 'canary', 'vector', 'hybrid'] as const;
export type ReadMode = (typeof READ_MODES)[number];

export interface ReadChoice {
  mode: ReadMode;
  /** Share of the reads that the vector search answers, 1 to 100; null but for the canary. */
  percent: number | null;
}

export interface ReadModeState extends ReadChoice {
  /** ISO 8601; null where it was never changed. */
  since: string | null;
  /** Database role and user of the system. */
  by: string | null;
}

export const LEGACY_READS: ReadChoice = { mode: 'legacy', percent: null };

/** Modes in which every read is answered with the help of vectors. */
export const readsVectors = ({ mode }: ReadChoice): boolean => mode === 'vector' || mode === 'hybrid';

/** `canary:10` → mode and share; null where it is no mode. */
export function parseReadChoice(text: string): ReadChoice | null {
  const canary = /^canary:(\d{1,3})$/.exec(text);
  if (canary !== null) {
    const percent = Number(canary[1]);
    return percent >= 1 && percent <= 100 ? { mode: 'canary', percent } : null;
  }
  const mode = READ_MODES.find((each) => each === text);
  return mode === undefined || mode === 'canary' ? null : { mode, percent: null };
}

export const showReadChoice = ({ mode, percent }: ReadChoice): string =>
  percent === null ? mode : `${mode}:${percent}`;

/** `lock`: for the rest of the transaction, together with the backfill, so that of two changes one comes after the other. */
export async function readModeOf(db: Queryable, backfill: string, lock = false): Promise<ReadModeState> {
  if (lock)
    await db.query('SELECT 1 FROM pgvector_backfill.backfill WHERE name = $1 FOR NO KEY UPDATE', [backfill]);
  const found = await db.query<ReadChoice & { since: Date; by: string }>(
    `SELECT mode, percent, changed_at AS since, changed_by AS by FROM pgvector_backfill.read_mode WHERE backfill = $1`,
    [backfill],
  );
  const row = found.rows[0];
  if (row === undefined) return { ...LEGACY_READS, since: null, by: null };
  return { ...row, since: row.since.toISOString(), by: row.by === '' ? null : row.by };
}

/** Takes effect at the commit: each client looks again within its bound. */
export async function saveReadMode(
  db: Queryable,
  backfill: string,
  { mode, percent }: ReadChoice,
  { by, reason }: { by: string; reason: string },
): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.read_mode (backfill, mode, percent, changed_by, reason) VALUES ($1, $2, $3, ${utf8Sql('$4')}, ${utf8Sql('$5')})
     ON CONFLICT (backfill) DO UPDATE SET mode = excluded.mode, percent = excluded.percent, changed_by = excluded.changed_by,
       reason = excluded.reason, changed_at = clock_timestamp()`,
    [backfill, mode, percent, utf8(by), utf8(reason)],
  );
}

/** Since it was changed, by the server's clock; Infinity where it never was. */
export async function msSinceReadMode(db: Queryable, backfill: string): Promise<number> {
  const found = await db.query<{ ms: number }>(
    'SELECT extract(epoch FROM clock_timestamp() - changed_at)::float8 * 1000 AS ms FROM pgvector_backfill.read_mode WHERE backfill = $1',
    [backfill],
  );
  return found.rows[0]?.ms ?? Infinity;
}
