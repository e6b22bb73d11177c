/** A pool of ours says what its statements depend on, and the server ends those that nobody waits for. */

import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { LEDGER_LIMITS, inSearch, inTransaction } from '../../src/db/transaction.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { databases, hasPostgres, type TestDatabase } from '../setup/databases.ts';
import { until } from '../setup/until.ts';

// The embedded server has one session for all, which takes no settings of a database and ends no statement.
describe.runIf(hasPostgres()).each(databases())('a pool of ours on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let watcher: pg.Client;
  beforeEach(async () => {
    database = await create();
    watcher = new pg.Client({ connectionString: database.databaseUrl });
    await watcher.connect();
    const name = new URL(database.databaseUrl).pathname.slice(1);
    for (const setting of [
      `statement_timeout = '200ms'`,
      `default_transaction_isolation = 'serializable'`,
      `DateStyle = 'SQL, DMY'`,
      `extra_float_digits = -10`,
      `bytea_output = 'escape'`,
      `enable_sort = off`,
    ])
      await watcher.query(`ALTER DATABASE ${name} SET ${setting}`);
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
  });
  afterEach(async () => {
    await watcher.end();
    await pool.end();
    await database.drop();
  });

  const SHOWN = `SELECT current_setting('transaction_isolation') AS isolation, current_setting('DateStyle') AS style,
    '\\x00ff'::bytea AS bytes, 0.1::float8 + 0.2::float8 AS sum, '2020-02-01 00:00+00'::timestamptz AS at, pg_sleep(0.3)`;
  const MEANT = {
    isolation: 'read committed',
    style: 'ISO, DMY',
    bytes: Buffer.from([0, 255]),
    sum: 0.1 + 0.2,
    at: new Date('2020-02-01T00:00:00Z'),
  };

  it('means the same by a role of other settings, in a transaction and out of one; a connection of our own keeps it', async () => {
    expect((await pool.query(SHOWN)).rows[0]).toMatchObject(MEANT);
    expect((await inTransaction(pool, LEDGER_LIMITS, (client) => client.query(SHOWN))).rows[0]).toMatchObject(
      MEANT,
    );
    const client = await pool.connect();
    const after = await client.query(`SELECT current_setting('DateStyle') AS style`);
    client.release();
    expect(after.rows).toEqual([{ style: 'ISO, DMY' }]);
    // Searches have the plans of the role that asks, on the very same connection.
    const sorts = `SELECT current_setting('enable_sort') AS sort, current_setting('row_security') AS security`;
    expect((await pool.query(sorts)).rows).toEqual([{ sort: 'on', security: 'off' }]);
    const asked = await inSearch(pool, LEDGER_LIMITS, (each) => each.query(sorts));
    expect(asked.rows).toEqual([{ sort: 'off', security: 'on' }]);
  });

  it('ends at the server what its client has given up, and what has lost its client', async () => {
    const limited = createPool(database.databaseUrl, {
      name: 'limited',
      max: 1,
      logger: silentLogger,
      queryTimeoutMs: 1000,
    });
    // The server is the first to give up, and not by the role's limit.
    const started = performance.now();
    await expect(limited.query('SELECT pg_sleep(600)')).rejects.toMatchObject({ code: '57014' });
    expect(performance.now() - started).toBeGreaterThan(800);
    await limited.end();

    const running = async (): Promise<number> =>
      (
        await watcher.query(
          `SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(601)' AND state = 'active' AND datname = current_database()`,
        )
      ).rowCount ?? 0;
    const client = new Promise<pg.PoolClient>((resolve) => pool.once('acquire', resolve));
    await pool.query('SELECT 1');
    const forgotten = pool.query('SELECT pg_sleep(601)').catch((error: unknown) => error);
    await until('the statement runs', async () => (await running()) > 0);
    const { stream } = ((await client) as unknown as { connection: { stream: { destroy(): void } } })
      .connection;
    stream.destroy();
    expect(await forgotten).toBeInstanceOf(Error);
    await until('the server has ended it', async () => (await running()) === 0);
  });
});
