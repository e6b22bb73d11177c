/** Of `bench capture`: what the triggers take of a statement, as the server times them; what else it is busy with shows less. */

import type { Pool } from '../../src/db/pool.ts';
import { CHANGE_TABLE } from '../../src/ledger/changes/capture-sql.ts';

const ROUNDS = 25;
const ROWS = 5000;

interface Plan {
  Triggers: { 'Trigger Name': string; Time: number; Calls: number }[];
}

/** @returns microseconds a row by table: the lower quartile, as others on the machine make it longer and never shorter */
export async function triggerMicroseconds(
  pool: Pool,
  tables: readonly string[],
): Promise<Record<string, number>> {
  const times = new Map<string, number[]>(tables.map((table) => [table, []]));
  const client = await pool.connect();
  try {
    for (let round = 0; round < ROUNDS; round++)
      for (const [table, of] of times) {
        await client.query(`TRUNCATE ${CHANGE_TABLE}`);
        const explained = await client.query<{ 'QUERY PLAN': Plan[] }>(
          `EXPLAIN (ANALYZE, FORMAT JSON) UPDATE ${table} SET body = md5(random()::text) WHERE id <= ${ROWS}`,
        );
        const triggers = explained.rows[0]?.['QUERY PLAN'][0]?.Triggers ?? [];
        const calls = triggers.find((each) => each['Trigger Name'].endsWith('_update'));
        of.push(calls === undefined ? 0 : (calls.Time * 1000) / calls.Calls);
      }
  } finally {
    client.release();
  }
  return Object.fromEntries(
    [...times].map(([table, of]) => [
      table,
      Number((of.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 4)] ?? 0).toFixed(1)),
    ]),
  );
}
