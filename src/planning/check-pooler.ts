/** Doctor's look for a pooler that hands each transaction to another server process. */

import { connectClient } from '../db/pool.ts';
import { losesSession } from '../db/pooler.ts';
import type { Finding } from './finding.ts';

/** Nothing where the server cannot be asked: what cannot be reached is said by others. */
export async function checkPooler(database: string): Promise<Finding[]> {
  const connect = (): ReturnType<typeof connectClient> => connectClient(database, 'doctor');
  const client = await connect().catch(() => null);
  if (client === null) return [];
  try {
    if (!(await losesSession(client, connect))) return [];
  } catch {
    return [];
  } finally {
    await client.end().catch(() => {});
  }
  return [
    {
      level: 'warn',
      check: 'pooler',
      message:
        'The database is reached through a pooler in transaction mode: batches, sync and searches work through it, the index build needs a session of its own.',
      remedy:
        'Give the worker that finalizes (worker --role finalize) the address of the server itself, or of a pooler in session mode.',
      option: 'database',
    },
  ];
}
