/** Doctor's look for a pooler that hands each transaction to another server process, and at the way past it. */

import type pg from 'pg';
import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { databaseIdentity } from '../../db/database-identity.ts';
import { connectClient, unreachable } from '../../db/pool.ts';
import { losesSession } from '../../db/pooler.ts';
import type { Finding } from './finding.ts';

const check = 'pooler';
const DIRECT = `Give the server's own address, or that of a pooler in session mode, by ${optionName('database.direct')}.`;

/** On connections like those of the index build. Nothing of `database` where it cannot be asked: that is said by others. */
export async function checkPooler({
  database: { url, direct },
}: Pick<Settings, 'database'>): Promise<Finding[]> {
  if (direct !== undefined) return [await checkDirect(url, direct)];
  const seen = await look(url).catch(() => null);
  return seen?.losesSession === true
    ? [
        {
          level: 'error',
          check,
          message:
            'The database is reached through a pooler in transaction mode: batches, sync and searches work through it; the index build, and a queue in this database, need a session of their own.',
          remedy: DIRECT,
          option: 'database.direct',
        },
      ]
    : [];
}

async function checkDirect(url: string, direct: string): Promise<Finding> {
  const fault = (message: string, remedy: string): Finding => ({
    level: 'error',
    check,
    message,
    remedy,
    option: 'database.direct',
  });
  const seen = await look(direct).catch((error: unknown) => unreachable(direct, error, 'database.direct'));
  if (seen instanceof Error) return fault(seen.message, seen.remedy ?? DIRECT);
  if (seen.losesSession)
    return fault(
      'database.direct, too, goes through a pooler in transaction mode: the index build needs a session of its own.',
      DIRECT,
    );
  const pooled = await look(url).catch(() => null);
  if (pooled !== null && pooled.identity !== seen.identity)
    return fault(
      'database.direct is another database than database: the index would be built where the vectors are not.',
      'Let both name the same database of the same server.',
    );
  return {
    level: 'ok',
    check,
    message:
      'the index is built by database.direct, which has a session of its own, and so has a queue in this database',
  };
}

async function look(url: string): Promise<{ losesSession: boolean; identity: string }> {
  const connect = (): Promise<pg.Client> => connectClient(url, 'doctor');
  const client = await connect();
  try {
    return { losesSession: await losesSession(client, connect), identity: await databaseIdentity(client) };
  } finally {
    await client.end().catch(() => {});
  }
}
