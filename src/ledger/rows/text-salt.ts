import { randomBytes } from 'node:crypto';
import type { Queryable } from '../../db/pool.ts';

const SALT_BYTES = 32;

/** Empty where there is none. */
export async function saltOfTexts(db: Queryable, backfill: string, fingerprint: string): Promise<string> {
  const found = await db.query<{ salt: string }>(
    'SELECT salt FROM pgvector_backfill.text_salt WHERE backfill = $1 AND fingerprint = $2',
    [backfill, fingerprint],
  );
  return found.rows[0]?.salt ?? '';
}

/**
 * What hashes of texts are salted with, for each set of vectors. With another model every text is hashed again; with the same one
 * what is staged stays what it is, so a salt that is there stays.
 */
export async function keepSalt(db: Queryable, backfill: string, fingerprint: string): Promise<void> {
  await db.query(
    'INSERT INTO pgvector_backfill.text_salt (backfill, fingerprint, salt) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    [backfill, fingerprint, randomBytes(SALT_BYTES).toString('hex')],
  );
}
