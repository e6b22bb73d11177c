/** Behind a pooler in transaction mode: what is of a session is somebody else's next. */

import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropIndexUnderShortLocks } from '../../src/cutover/drop-index.ts';
import { migrate } from '../../src/db/migrate.ts';
import { connectClient, createPool, type Pool } from '../../src/db/pool.ts';
import { losesSession } from '../../src/db/pooler.ts';
import { inTransaction, LEDGER_LIMITS } from '../../src/db/transaction.ts';
import { openBuildSession } from '../../src/finalize/build-session.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkPooler } from '../../src/planning/check-pooler.ts';
import { inTurn } from '../../src/planning/turn.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { startTransactionPooler, type TransactionPooler } from '../setup/transaction-pooler.ts';
import { makeSettings } from '../table/make-target.ts';

describe.runIf(databases().some(({ name }) => name !== 'embedded')).each(databases())(
  'a pooler in transaction mode before $name',
  ({ create }) => {
    let database: TestDatabase;
    let pooler: TransactionPooler;
    let pool: Pool;
    beforeEach(async () => {
      database = await create();
      pooler = await startTransactionPooler(database.databaseUrl);
      pool = createPool(pooler.url, { name: 'test', max: 4, logger: silentLogger });
    });
    afterEach(async () => {
      await pool.end();
      await pooler.close();
      await database.drop();
    });

    const losing = async (url: string): Promise<boolean> => {
      const connect = (): Promise<pg.Client> => connectClient(url, 'test');
      const client = await connect();
      try {
        return await losesSession(client, connect);
      } finally {
        await client.end();
      }
    };

    it('is recognised, and a server that is reached directly is not taken for one', async () => {
      expect(await losing(pooler.url)).toBe(true);
      expect(await losing(database.databaseUrl)).toBe(false);
      expect(await checkPooler(pooler.url)).toMatchObject([{ level: 'warn', check: 'pooler' }]);
      expect(await checkPooler(database.databaseUrl)).toEqual([]);
    });

    it('gets no lock and no setting that outlives a transaction, and statements mean what they mean', async () => {
      await pool.query('CREATE TABLE t (id int, body text)');
      await pool.query('CREATE INDEX t_id ON t (id)');
      const server = new pg.Client({ connectionString: database.databaseUrl });
      await server.connect();
      const name = new URL(database.databaseUrl).pathname.slice(1);
      for (const setting of [
        `standard_conforming_strings = off`,
        `DateStyle = 'German'`,
        'array_nulls = off',
      ])
        await server.query(`ALTER DATABASE ${name} SET ${setting}`);
      await server.end();
      await pooler.close();
      await pool.end();
      pooler = await startTransactionPooler(database.databaseUrl);
      pool = createPool(pooler.url, { name: 'test', max: 4, logger: silentLogger });
      await migrate(pool);
      const asked = await Promise.all(
        Array.from({ length: 12 }, () =>
          pool.query<{ backslash: boolean; at: Date; nulls: number }>(
            String.raw`SELECT 'a b' ~ '\S' AND 's' !~ '\s' AS backslash, now() AS at, cardinality(array_remove($1::text[], NULL)) AS nulls`,
            [['a', null]],
          ),
        ),
      );
      for (const { rows } of asked) {
        expect(rows[0]).toMatchObject({ backslash: true, nulls: 1 });
        expect(rows[0]?.at).toBeInstanceOf(Date);
        expect(Number.isNaN(rows[0]?.at.getTime())).toBe(false);
      }
      await expect(pool.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
      await inTransaction(pool, LEDGER_LIMITS, (client) => client.query('SELECT 1'));
      await inTurn(pool, 'docs', 'enqueue', () => Promise.resolve());
      await inTurn(pool, 'docs', 'enqueue', () => Promise.resolve());
      await expect(
        openBuildSession({ ...(await makeSettings()), database: pooler.url }),
      ).rejects.toMatchObject({ code: 'SESSION_NOT_KEPT' });
      await dropIndexUnderShortLocks(pooler.url, 'DROP INDEX CONCURRENTLY IF EXISTS t_id');
      expect((await pool.query(`SELECT to_regclass('t_id') AS there`)).rows).toEqual([{ there: null }]);
      expect(await pooler.left()).toEqual([]);
    });
  },
);
