/** Every signal as the real server shows it, and what is said where the role may not see it. */

import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import pg from 'pg';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { Health, toReadings } from '../../src/throttle/health.ts';
import type { HealthRow } from '../../src/throttle/health-sql.ts';
import { createDocs } from '../setup/docs-table.ts';
import { databases, hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';

const open = (url: string): Pool => createPool(url, { name: 'test', max: 4, logger: silentLogger });
const NO_STATS = 'needs the role pg_monitor (or pg_read_all_stats)';

describe.each(databases())('health on $name', ({ create }) => {
  it('reads every signal, and a rate from the second look on', async () => {
    const database = await create();
    const pool = open(database.databaseUrl);
    const health = new Health(pool, { table: 'docs', throttle: { sql: undefined } });
    await createDocs(pool);
    const first = await health.read();
    expect(first).toMatchObject({
      replicaLag: { value: 0 },
      replicaLagBytes: { value: 0 },
      slotBacklog: { value: expect.any(Number) as number },
      archiveBacklog: { value: expect.any(Number) as number },
      walRate: { value: null },
      autovacuum: { value: 0 },
      lockWaiters: { value: 0 },
      activeSessions: { value: expect.any(Number) as number },
      sqlValue: { value: null },
    });
    let { walRate } = await health.read();
    while (walRate.value === null || walRate.value === 0) {
      await pool.query(
        `INSERT INTO docs SELECT n, 'x' FROM generate_series(1, 100) n ON CONFLICT (id) DO UPDATE SET body = 'y'`,
      );
      ({ walRate } = await health.read());
    }
    expect(walRate.value).toBeGreaterThan(0);
    await pool.end();
    await database.drop();
  });

  it("takes the operator's number; what is none holds, with the reason", async () => {
    const database = await create();
    const pool = open(database.databaseUrl);
    await pool.query('CREATE TABLE docs (id bigint)');
    const value = async (sql: string): Promise<unknown> =>
      (await new Health(pool, { table: 'docs', throttle: { sql } }).read()).sqlValue;
    expect(await value('SELECT 2.5::numeric, 1')).toEqual({ value: 2.5 });
    expect(await value('SELECT 7::bigint')).toEqual({ value: 7 });
    expect(await value('SELECT true')).toEqual({ value: 1 });
    for (const none of ['SELECT NULL', "SELECT 'few'", 'SELECT 1 WHERE false'])
      expect(await value(none)).toEqual({ value: null, note: 'throttle.sql gave no number', holds: true });
    expect(await value('SELECT * FROM nothing')).toEqual({
      value: null,
      note: 'throttle.sql failed: SQLSTATE 42P01',
      holds: true,
    });
    // A check looks; it does not write.
    expect(await value('INSERT INTO docs VALUES (1) RETURNING id')).toMatchObject({
      note: 'throttle.sql failed: SQLSTATE 25006',
    });
    await pool.end();
    await database.drop();
  });
});

describe.runIf(hasPostgres())('health of a real server', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await realDatabase();
    pool = open(database.databaseUrl);
    await createDocs(pool);
    await pool.query('CREATE TABLE other (id bigint PRIMARY KEY)');
    await pool.query(`INSERT INTO docs VALUES (1, 'a'), (2, 'b')`);
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  async function session(name = 'application'): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: database.databaseUrl, application_name: name });
    await client.connect();
    return client;
  }

  it("counts who waits for the table's locks and rows, without our own sessions and other tables", async () => {
    const holder = await session();
    await holder.query('BEGIN');
    await holder.query(`UPDATE docs SET body = 'c' WHERE id = 1`);
    await holder.query('LOCK TABLE other');
    const waiters = await Promise.all([
      session(),
      session(),
      session(),
      session(),
      session('pgvector-backfill worker'),
    ]);
    const waiting = Promise.all(
      [
        `UPDATE docs SET body = 'd' WHERE id = 1`,
        'SELECT 1 FROM docs WHERE id = 1 FOR UPDATE',
        'ALTER TABLE docs ADD COLUMN more text',
        'SELECT 1 FROM other',
        `UPDATE docs SET body = 'e' WHERE id = 1`,
      ].map(async (sql, at) => waiters[at]?.query(sql)),
    );
    const all = `SELECT count(DISTINCT pid)::int AS n FROM pg_locks l JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`;
    for (let n = 0; n < 5;) n = (await pool.query<{ n: number }>(all)).rows[0]?.n ?? 0;
    const { lockWaiters, activeSessions } = await new Health(pool, {
      table: 'docs',
      throttle: { sql: undefined },
    }).read();
    expect(lockWaiters).toEqual({ value: 3 });
    const most = Number(
      (await pool.query<{ m: string }>(`SELECT current_setting('max_connections') AS m`)).rows[0]?.m,
    );
    expect((activeSessions.value ?? 0) * most).toBeGreaterThanOrEqual(4);
    await holder.query('COMMIT');
    await waiting;
    await Promise.all([holder, ...waiters].map((each) => each.end()));
  });

  it('names what a role without pg_monitor cannot see, and fails for none of it', async () => {
    const role = `test_${randomBytes(6).toString('hex')}`;
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    const url = new URL(database.databaseUrl);
    url.username = role;
    url.password = 'secret';
    const plain = open(url.href);
    const read = (): ReturnType<Health['read']> =>
      new Health(plain, { table: 'docs', throttle: { sql: undefined } }).read();
    expect(await read()).toMatchObject({
      autovacuum: { value: null, note: NO_STATS },
      activeSessions: { value: null, note: NO_STATS },
      diskUsed: { value: null, note: expect.stringContaining('pg_monitor') as string },
      lockWaiters: { value: 0 },
      slotBacklog: { value: expect.any(Number) as number },
    });
    await pool.query(`GRANT pg_monitor TO ${role}`);
    expect(await read()).toMatchObject({
      autovacuum: { value: 0 },
      activeSessions: { value: expect.any(Number) as number },
    });
    await plain.end();
    await pool.query(`DROP ROLE ${role}`);
  });
});

describe('a row of the check', () => {
  const ROW: HealthRow = {
    hiddenReplicas: 0,
    replicaLag: 2.4,
    replicaLagBytes: 1000,
    slotBacklog: 0,
    archiveBacklog: null,
    wal: 5000,
    at: 100,
    autovacuum: 2,
    lockWaiters: 0,
    activeSessions: 0.1,
    dataDirectory: null,
    port: 5432,
    startedAt: 0,
  };

  it('hides the lag of all replicas where one of them is hidden', () => {
    expect(toReadings({ ...ROW, hiddenReplicas: 1 }, null, { value: null })).toMatchObject({
      replicaLag: { value: null, note: NO_STATS },
      replicaLagBytes: { value: null, note: NO_STATS },
      archiveBacklog: { value: null, note: expect.stringContaining('archived') as string },
      autovacuum: { value: 2 },
    });
  });

  it('gives a rate over the time since the row before, none over no time, and none that is negative', () => {
    const rate = (before: { wal: number; at: number } | null): number | null =>
      toReadings(ROW, before, { value: null }).walRate.value;
    expect(rate(null)).toBeNull();
    expect(rate({ wal: 1000, at: 98 })).toBe(2000);
    expect(rate({ wal: 1000, at: 99.99 })).toBeNull();
    expect(rate({ wal: 9000, at: 98 })).toBe(0);
  });
});
