import { schemaGrants, type SchemaGrants } from '../../db/schema-grants.ts';
import { connectClient } from '../../db/pool.ts';
import { QUEUE_SCHEMA } from '../address.ts';
import { queueRights } from './backend.ts';

/** Rights that the queue's user lacks. Reads catalogs only. */
export async function queueGrants(url: string): Promise<SchemaGrants> {
  const { temporary, database, role } = await queueRights(url);
  const client = await connectClient(url, 'queue');
  try {
    const { statements, fault } = await schemaGrants(client, QUEUE_SCHEMA, null);
    const more = temporary ? [] : [`GRANT TEMPORARY ON DATABASE ${database} TO ${role}`];
    return { statements: [...statements, ...more], fault };
  } finally {
    await client.end().catch(() => {});
  }
}
