/** Whether a connection is of one server process: behind a pooler in transaction mode each transaction may meet another. */

import type pg from 'pg';
import { withTimeLimit } from '../time-limit.ts';

/** Looks while the pool is in use by others, who may get the very process between two statements of ours. */
const LOOKS = 5;
/** For a transaction to begin on a connection that waits for a server process: a pooler that has none left. */
const BEGIN_MS = 5000;

const PID = 'SELECT pg_catalog.pg_backend_pid() AS pid';

/**
 * By what it does, which no setting can hide: while a second connection is in a transaction, and so has a server process to
 * itself, the first one is asked for its own. One that has a session has the same as before, and another than the second.
 * No answer of a session can be taken for that of a pool, so one such answer is proof.
 * Nothing is set, so nothing is left behind for whoever has the process next.
 * @param another a second connection to the same address; opened only where a pooler of some kind is there
 */
export async function losesSession(client: pg.Client, another: () => Promise<pg.Client>): Promise<boolean> {
  const told = (client as unknown as { processID: number | null }).processID;
  let pid = await pidOf(client);
  // The server tells its process as a session starts; a pooler answers by itself.
  if (pid === told) return false;
  const opening = another();
  const beside = await withTimeLimit(BEGIN_MS, opening, () => null);
  // Every process of the pool is taken, this connection's own among them.
  if (beside === null) {
    opening.then((late) => late.end()).catch(() => {});
    return false;
  }
  try {
    for (let look = 0; look < LOOKS; look++) {
      const held = await withTimeLimit(BEGIN_MS, begin(beside), () => null);
      if (held === null) return false;
      const before = pid;
      // Where the pool has one process alone, the first connection would wait for the end of this transaction.
      const asked = held === before ? null : pidOf(client);
      const now = asked === null ? held : await withTimeLimit(BEGIN_MS, asked, () => null);
      // Also before the end: a pooler would throw away the server connection of one that is gone in a transaction.
      await beside.query('COMMIT');
      pid = now ?? (await asked) ?? before;
      if (asked === null || pid !== before) return true;
      // Of processes that are free in turn, each connection may find its own again: out of turn, it does not. The first
      // such question is to a pool that gives what was free longest, the second to one that gives what was free last.
      if ((await pidOf(beside)) !== held || (await pidOf(client)) !== pid) return true;
    }
    return false;
  } finally {
    // Not waited for: one that still waits for its process would not end.
    beside.end().catch(() => {});
  }
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(PID);
  return rows[0]?.pid ?? 0;
}

async function begin(client: pg.Client): Promise<number> {
  const answers = (await client.query(`BEGIN; ${PID}`)) as unknown as pg.QueryResult<{ pid: number }>[];
  return answers.at(-1)?.rows[0]?.pid ?? 0;
}
