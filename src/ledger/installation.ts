import { randomUUID } from 'node:crypto';
import type { Queryable } from '../db/pool.ts';

/** Id of this database's ledger, made once by the first migration. */
export async function installationId(db: Queryable): Promise<string> {
  const found = await db.query<{ id: string }>('SELECT id FROM pgvector_backfill.installation');
  return found.rows[0]?.id ?? randomUUID();
}
