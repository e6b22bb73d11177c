/** What the triggers of a table note for each of its backfills. One function serves all: whoever makes it again keeps the others. */

import type { Queryable } from '../../db/pool.ts';

/** A column of the key, as the triggers have to know it: see KeyColumn. */
export interface CapturedKeyColumn {
  name: string;
  form?: 'utc';
  isCanonical: boolean;
  /** Settings of the session decide how its text is written. */
  isStyled: boolean;
}

export interface CapturePart {
  backfill: string;
  key: readonly CapturedKeyColumn[];
  /** Columns that its key, text and condition are made of. */
  watched: readonly string[];
}

export interface CapturedPart extends CapturePart {
  /** The triggers as they were armed; null where nobody has noted it. */
  armed: Record<string, string> | null;
}

/** Of the advisory lock; its second number is the table's oid. */
const CAPTURE_LOCK = 716_425;

/**
 * For the rest of the transaction nobody else makes triggers or function of the table, or says otherwise what they note. Rows
 * are locked before the table is, as whoever drains changes locks its own first and the table then.
 * @param backfills of the table
 */
export async function lockParts(db: Queryable, oid: string, backfills: readonly string[]): Promise<void> {
  // An oid has no sign.
  await db.query(`SELECT pg_advisory_xact_lock(${CAPTURE_LOCK}, ($1::bigint - 2147483648)::int)`, [oid]);
  await db.query(
    `SELECT 1 FROM pgvector_backfill.sync WHERE captured_table = $1::oid OR backfill = ANY ($2) ORDER BY backfill FOR NO KEY UPDATE`,
    [oid, backfills],
  );
}

/** What the triggers of the table are to note, by backfill. @param oid as text */
export async function capturedParts(db: Queryable, oid: string): Promise<CapturedPart[]> {
  const found = await db.query<CapturedPart>(
    `SELECT backfill, captured_key AS key, captured_columns AS watched, armed_as AS armed
       FROM pgvector_backfill.sync WHERE mode = 'trigger' AND captured_table = $1::oid ORDER BY backfill`,
    [oid],
  );
  return found.rows;
}

/** Of these, those of an earlier release, with triggers and a function of their own; what they watch is for the catalog to say. */
export async function earlierParts(
  db: Queryable,
  backfills: readonly string[],
): Promise<Omit<CapturedPart, 'watched'>[]> {
  const found = await db.query<{ backfill: string; name: string; armed: CapturedPart['armed'] }>(
    `SELECT s.backfill, b.key_column AS name, s.armed_as AS armed
       FROM pgvector_backfill.sync s JOIN pgvector_backfill.backfill b ON b.name = s.backfill
      WHERE s.mode = 'trigger' AND s.captured_table IS NULL AND s.backfill = ANY ($1) ORDER BY 1`,
    [backfills],
  );
  // An integer or a uuid.
  return found.rows.map(({ backfill, name, armed }) => ({
    backfill,
    key: [{ name, isCanonical: true, isStyled: false }],
    armed,
  }));
}

export async function savePart(
  db: Queryable,
  oid: string,
  { backfill, key, watched }: CapturePart,
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET captured_table = $2::oid, captured_key = $3, captured_columns = $4
      WHERE backfill = $1 AND (captured_table::oid, captured_key, captured_columns) IS DISTINCT FROM ($2::oid, $3::jsonb, $4::text[])`,
    [backfill, oid, JSON.stringify(key), watched],
  );
}

/** Triggers note nothing for it any more. */
export async function removePart(db: Queryable, backfill: string): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET captured_table = NULL, captured_key = NULL, captured_columns = NULL, armed_as = NULL WHERE backfill = $1`,
    [backfill],
  );
}

/** Another print of triggers that were made again for somebody else, without a moment in which they noted less. */
export async function carryArmed(
  db: Queryable,
  backfill: string,
  armed: Record<string, string>,
): Promise<void> {
  await db.query('UPDATE pgvector_backfill.sync SET armed_as = $2 WHERE backfill = $1', [
    backfill,
    JSON.stringify(armed),
  ]);
}
