/** Doctor's look whether there are connections enough: by opening as many at once as a worker has at least. */

import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Settings } from '../../config/settings.ts';
import { connectionFault } from '../../db/connection-fault.ts';
import { connectClient } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { QUEUE_ROLES } from '../../queue/connection.ts';
import { isPostgres } from '../../queue/address.ts';
import type { Finding } from './finding.ts';

/** A batch, what looks after the run, and the session of the index build. */
const OF_DATABASE = 3;
/** Each role listens on one of its own; the others share at least one. */
const OF_QUEUE = QUEUE_ROLES.length + 1;

const AGAIN_MS = 500;

/** Empty where they are there, or where the server does not answer: that is said by others. */
export async function checkConnections({
  database,
  queue,
}: Pick<Settings, 'database' | 'queue'>): Promise<Finding[]> {
  const wanted: string[] = Array.from({ length: OF_DATABASE }, () => database.url);
  if (isPostgres(queue)) wanted.push(...Array.from({ length: OF_QUEUE }, () => queue));
  let refused = await refusals(wanted);
  // A server that is full for a moment is none that has a limit.
  if (refused.length > 0) {
    await delay(AGAIN_MS);
    refused = await refusals(wanted);
  }
  if (refused.length === 0) return [];
  const { why, remedy } = connectionFault(refused[0]);
  return [
    {
      level: 'error',
      check: 'connections',
      message: `A worker needs ${wanted.length} connections at once at least, of which the server refuses ${refused.length}: ${why}.`,
      ...(remedy === null ? {} : { remedy }),
      option: 'database',
    },
  ];
}

async function refusals(urls: readonly string[]): Promise<unknown[]> {
  const opened = await Promise.allSettled(urls.map((url) => connectClient(url, 'doctor')));
  const clients = opened.flatMap((each): pg.Client[] => (each.status === 'fulfilled' ? [each.value] : []));
  await Promise.all(clients.map((client) => client.end().catch(() => {})));
  return opened.flatMap((each): unknown[] =>
    each.status === 'rejected' && hasSqlState(each.reason, SQLSTATE.tooManyConnections) ? [each.reason] : [],
  );
}
