import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeDatabaseUrl } from '../../src/config/libpq/parameters.ts';
import { assertReachable, createPool, type Pool } from '../../src/db/pool.ts';
import { backoffMs, inTransaction, LEDGER_LIMITS } from '../../src/db/transaction.ts';
import { ConfigError, messageOf, TransientError } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';

describe.each(databases())('inTransaction on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query(`CREATE TABLE t (id int PRIMARY KEY); CREATE SEQUENCE calls;
      CREATE FUNCTION refuse(times int, state text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('calls') <= times THEN RAISE EXCEPTION 'not now' USING ERRCODE = state; END IF;
        RETURN currval('calls'); END $$`);
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('does all of it again where the server says that it may succeed, as often as it is told', async () => {
    for (const state of ['40001', '40P01', '55P03']) {
      await pool.query(`TRUNCATE t; ALTER SEQUENCE calls RESTART`);
      const work = inTransaction(pool, { ...LEDGER_LIMITS, tries: 3 }, async (client) => {
        await client.query('INSERT INTO t VALUES (1)');
        return (await client.query<{ refuse: number }>('SELECT refuse(2, $1)', [state])).rows[0]?.refuse;
      });
      expect(await work).toBe(3);
      expect((await pool.query('SELECT id FROM t')).rows).toEqual([{ id: 1 }]);
    }
    await pool.query(`TRUNCATE t; ALTER SEQUENCE calls RESTART`);
    await expect(
      inTransaction(pool, { ...LEDGER_LIMITS, tries: 2 }, (client) =>
        client.query(`SELECT refuse(2, '40001')`),
      ),
    ).rejects.toMatchObject({ code: '40001' });
    expect((await pool.query(`SELECT nextval('calls')::int AS next`)).rows).toEqual([{ next: 3 }]);
  });

  it('repeats a failure of our own only where it says so', async () => {
    let tries = 0;
    const failing = (error: Error): Promise<unknown> =>
      inTransaction(pool, { ...LEDGER_LIMITS, tries: 2 }, () => {
        tries++;
        return Promise.reject(error);
      });
    await expect(failing(new TransientError('busy', { code: 'BUSY' }))).rejects.toThrow('busy');
    expect(tries).toBe(2);
    await expect(failing(new Error('a mistake'))).rejects.toThrow('a mistake');
    expect(tries).toBe(3);
  });

  it('sets its limits for itself alone, and gives the connection back without them', async () => {
    const limits = { lockTimeoutMs: 123, statementTimeoutMs: 4567, tries: 1 };
    const read = `SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement, current_setting('idle_in_transaction_session_timeout') AS idle`;
    const before = (await pool.query(read)).rows;
    const inside = await inTransaction(pool, limits, (client) => client.query(read));
    expect(inside.rows).toEqual([{ lock: '123ms', statement: '4567ms', idle: '9134ms' }]);
    expect((await pool.query(read)).rows).toEqual(before);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  it('keeps a connection that broke out of the pool, and one that only failed in it', async () => {
    await expect(
      inTransaction(pool, { ...LEDGER_LIMITS, tries: 1 }, (client) => client.query('SELECT 1 / 0')),
    ).rejects.toMatchObject({ code: '22012' });
    const total = pool.totalCount;
    expect(total).toBeGreaterThan(0);
    await expect(
      inTransaction(pool, { ...LEDGER_LIMITS, tries: 1 }, (client) => {
        const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
        stream.destroy();
        return client.query('SELECT 1');
      }),
    ).rejects.toThrow(/connection/i);
    expect(pool.totalCount).toBe(total - 1);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe('backoffMs', () => {
  it('is between nothing and a bound that doubles up to five seconds', () => {
    for (const [attempt, most] of [
      [1, 200],
      [2, 400],
      [5, 3200],
      [6, 5000],
      [1000, 5000],
    ] as const) {
      const waits = Array.from({ length: 500 }, () => backoffMs(attempt));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...waits)).toBeLessThanOrEqual(most);
      expect(Math.max(...waits)).toBeGreaterThan(most / 2);
    }
  });
});

describe('an address', () => {
  it.each([
    ['postgres://user:secret@host/db', 'host:5432/db'],
    ['postgres://user:sec%2Fret@host:6543/db?sslpassword=secret', 'host:6543/db'],
    ['postgres://user:s@cret@host/db', 'host:5432/db'],
    ['postgres://user:secret@[::1]:6543/db', '[::1]:6543/db'],
    ['postgres://user:secret@/db?host=/cloudsql/a:b:c', '/cloudsql/a:b:c:5432/db'],
    ['postgres://user:12345/6789@host/db', '(unreadable URL)'],
    ['postgres://user:12345?6789@host/db', '(unreadable URL)'],
    ['no address', '(unreadable URL)'],
  ])('%s is shown as %s', (url, shown) => {
    expect(describeDatabaseUrl(url)).toBe(shown);
  });

  it('that is wrong is an error of configuration, and shows no password', async () => {
    const url = 'postgres://user:hidden-word@127.0.0.1:1/db';
    const pool = createPool(url, { name: 'test', max: 1, logger: silentLogger });
    const error: unknown = await assertReachable(pool, url).catch((thrown: unknown) => thrown);
    await pool.end();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: 'Cannot connect to PostgreSQL at 127.0.0.1:1/db: nothing listens there.',
    });
    expect(`${messageOf(error)}${(error as ConfigError).remedy}`).not.toContain('hidden-word');
  });
});
