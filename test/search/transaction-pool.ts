/** What a pooler in transaction mode does to its clients: each transaction on another connection, nothing kept behind it. */

import type pg from 'pg';
import type { Pool } from '../../src/db/pool.ts';

export interface TransactionPool {
  pool: Pool;
  /** Session state that a transaction left behind; a pooler would hand it to a stranger. */
  left: string[];
  transactions: number;
}

/** Prepared statements by name, and settings that outlive the transaction. */
const LEFT = `SELECT 'statement ' || name AS left FROM pg_prepared_statements
  UNION ALL SELECT name || ' = ' || setting FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction_%' AND name NOT IN ('application_name', 'DateStyle', 'client_encoding')`;

export function transactionPool(servers: Pool): TransactionPool {
  const seen: TransactionPool = { pool: servers, left: [], transactions: 0 };
  const hand = async (server: pg.PoolClient): Promise<void> => {
    seen.transactions++;
    seen.left.push(...(await server.query<{ left: string }>(LEFT)).rows.map((row) => row.left));
    await server.query('DISCARD ALL');
    // The next transaction gets another one.
    server.release(true);
  };
  const client = (): object => {
    let server: pg.PoolClient | null = null;
    return {
      async query(sql: string | { text: string }, values?: unknown[]) {
        const text = typeof sql === 'string' ? sql : sql.text;
        server ??= await servers.connect();
        const taken = server;
        try {
          return await taken.query(sql as string, values);
        } finally {
          if (/^(COMMIT|ROLLBACK)/.test(text)) {
            server = null;
            await hand(taken);
          }
        }
      },
      release() {},
    };
  };
  const fake = {
    connect: async () => client(),
    async query(text: string, values?: unknown[]) {
      const server = await servers.connect();
      try {
        return await server.query(text, values);
      } finally {
        await hand(server);
      }
    },
  };
  return Object.assign(seen, { pool: fake as unknown as Pool });
}
