/** Behind a pooler in transaction mode: what is of a session is somebody else's next. */

import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropIndexUnderShortLocks } from '../../src/cutover/drop-index.ts';
import { migrate } from '../../src/db/migrate.ts';
import { connectClient, createPool, type Pool } from '../../src/db/pool.ts';
import { losesSession } from '../../src/db/pooler.ts';
import { inTransaction, LEDGER_LIMITS } from '../../src/db/transaction.ts';
import { openBuildSession } from '../../src/finalize/build/session.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkPooler } from '../../src/planning/checks/pooler.ts';
import { withSchemaLease } from '../../src/planning/schema-lease.ts';
import { databases, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { hasPgBouncer, startPgBouncer } from '../setup/pgbouncer.ts';
import { startTransactionPooler, type TransactionPooler } from '../setup/transaction-pooler.ts';
import { makeSettings } from '../table/make-target.ts';
import { applicationPool } from '../setup/application-pool.ts';

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
    });

    it('is found by doctor, which asks for the address of the server and looks at that, too', async () => {
      const check = (url: string, direct?: string): Promise<object> =>
        checkPooler({ database: { url, direct } });
      const direct = database.databaseUrl;
      const blocking = [{ level: 'error', check: 'pooler', option: 'database.direct' }];
      expect(await check(direct)).toEqual([]);
      expect(await check(pooler.url)).toMatchObject(blocking);
      expect(await check(pooler.url, direct)).toMatchObject([{ level: 'ok', check: 'pooler' }]);
      expect(await check(pooler.url, pooler.url)).toMatchObject(blocking);
      const another = await create();
      expect(await check(pooler.url, another.databaseUrl)).toMatchObject(blocking);
      const nowhere = 'postgres://user:hidden-word@127.0.0.1:1/db';
      const refused = await check(pooler.url, nowhere);
      expect(refused).toMatchObject(blocking);
      expect(JSON.stringify(refused)).toContain('DIRECT_DATABASE_URL');
      expect(JSON.stringify(refused)).not.toContain('hidden-word');
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
      await withSchemaLease(pool, 'docs', 'enqueue', () => Promise.resolve());
      await withSchemaLease(pool, 'docs', 'enqueue', () => Promise.resolve());
      await expect(openBuildSession(await makeSettings({ database: pooler.url }))).rejects.toMatchObject({
        code: 'SESSION_NOT_KEPT',
      });
      await dropIndexUnderShortLocks(pooler.url, 'DROP INDEX CONCURRENTLY IF EXISTS public.t_id');
      expect((await pool.query(`SELECT to_regclass('t_id') AS there`)).rows).toEqual([{ there: null }]);
      expect(await pooler.left()).toEqual([]);
    });
  },
);

describe.runIf(hasPgBouncer())('PgBouncer', () => {
  const connectTo = (url: string) => (): Promise<pg.Client> => connectClient(url, 'test');

  /** Holds transactions of all lengths open, as an application does. */
  async function traffic(url: string): Promise<() => Promise<void>> {
    const over = new AbortController();
    const pool = applicationPool(url, 3);
    const loops = [1, 2, 3].map(async (client) => {
      while (!over.signal.aborted) await pool.query('SELECT pg_sleep($1)', [client / 500]);
    });
    await pool.query('SELECT 1');
    return async () => {
      over.abort();
      await Promise.all(loops);
      await pool.end();
    };
  }

  it.each([
    ['transaction', 6, '', true],
    ['transaction', 1, '', true],
    ['transaction', 6, 'server_round_robin = 1', true],
    ['session', 6, '', false],
  ] as const)(
    'in %s mode, %i server connections, %s: loses the session: %s, whatever others do',
    async (mode, size, settings, loses) => {
      const { databaseUrl } = await realDatabase();
      const bouncer = await startPgBouncer(databaseUrl, mode, size, settings);
      // One connection is no pool that others could share with a session.
      const stop = size === 1 ? null : await traffic(bouncer.url);
      try {
        for (let time = 0; time < 5; time++) {
          const client = await connectTo(bouncer.url)();
          expect(await losesSession(client, connectTo(bouncer.url))).toBe(loses);
          await client.end();
        }
      } finally {
        await stop?.();
        await bouncer.close();
      }
    },
  );

  it('in session mode keeps nothing of an index build, even where it resets nothing itself', async () => {
    const { databaseUrl } = await realDatabase();
    const bouncer = await startPgBouncer(databaseUrl, 'session', 2, 'server_reset_query =');
    const session = await openBuildSession(await makeSettings({ database: bouncer.url }));
    await session.client.query(`SET lock_timeout = '10min'; SELECT pg_advisory_lock(1, 2)`);
    await session.end();
    const next = await connectTo(bouncer.url)();
    const left = await next.query(
      `SELECT name FROM pg_settings WHERE source = 'session' AND name NOT IN ('client_encoding', 'application_name', 'DateStyle', 'TimeZone', 'standard_conforming_strings')
        UNION ALL SELECT 'advisory lock' FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    expect(left.rows).toEqual([]);
    await next.end();
    await bouncer.close();
  });
});
