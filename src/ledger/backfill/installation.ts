import { createHash, randomUUID } from 'node:crypto';
import { databaseIdentity } from '../../db/database-identity.ts';
import type { Queryable } from '../../db/pool.ts';

/**
 * Id of this database's ledger, a UUID. Of the one that the first migration has made, and of the database that holds it now:
 * a copy of the database has the row, and must not take the jobs of the original.
 */
export async function installationId(db: Queryable): Promise<string> {
  const found = await db.query<{ id: string }>('SELECT id FROM pgvector_backfill.installation');
  const id = found.rows[0]?.id ?? randomUUID();
  const digest = createHash('sha256')
    .update(`${id} ${await databaseIdentity(db)}`)
    .digest('hex');
  return digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5');
}
