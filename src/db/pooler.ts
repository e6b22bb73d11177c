/** Whether a connection keeps what is of a session: behind a pooler in transaction mode each transaction may meet another server process. */

import { randomInt } from 'node:crypto';
import type pg from 'pg';

/** Of no statement of ours, nor of most others: it matters to joins of a dozen tables. */
const PROBE = 'geqo_seed';
/** Looks while the pool is in use by others, who may get the very process between two statements of ours. */
const LOOKS = 5;

/**
 * Before anything else is done on the connection: what a session is given, an application's connection would have next.
 * @param another a second connection to the same address; opened only where a pooler of some kind is there
 */
export async function losesSession(client: pg.Client, another: () => Promise<pg.Client>): Promise<boolean> {
  const told = (client as unknown as { processID: number | null }).processID;
  const pid = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  // The server tells its process as it greets; a pooler greets by itself.
  if (pid.rows[0]?.pid === told) return false;
  const beside = await another();
  try {
    for (let look = 0; look < LOOKS; look++) {
      const word = (randomInt(100_000, 1_000_000) / 1_000_000).toPrecision(6).replace(/0+$/, '');
      await client.query('SELECT set_config($1, $2, false)', [PROBE, word]);
      const seen = await wordOf(beside);
      const kept = await wordOf(client);
      await client.query(`RESET ${PROBE}`);
      if (seen === word || kept !== word) return true;
    }
    return false;
  } finally {
    await beside.end().catch(() => {});
  }
}

async function wordOf(client: pg.Client): Promise<string | null> {
  const found = await client.query<{ word: string | null }>('SELECT current_setting($1, true) AS word', [
    PROBE,
  ]);
  return found.rows[0]?.word ?? null;
}
