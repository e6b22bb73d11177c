/** What several workers do to the one ledger. */

import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import {
  readThrottle,
  reserveRows,
  saveThrottle,
  saveTuned,
} from '../../src/ledger/progress/throttle-state.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { Throttle } from '../../src/throttle/throttle.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';

describe.runIf(hasPostgres())('the throttle of several workers', () => {
  let database: TestDatabase;
  let pool: Pool;
  const open = (url: string): Pool => createPool(url, { name: 'test', max: 4, logger: silentLogger });
  beforeEach(async () => {
    database = await realDatabase();
    pool = open(database.databaseUrl);
    await migrate(pool);
    await pool.query(
      `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings) VALUES ('docs', 't', 'id', 's', '{}')`,
    );
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  const settings = async (more: Record<string, string> = {}): Promise<Settings> => {
    const env = {
      DATABASE_URL: database.databaseUrl,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      ...more,
    };
    return (await loadConfig({ flags: {}, env, cwd: '/' })).settings;
  };

  it('names once what the role cannot see, and goes on', async () => {
    const role = `test_${randomBytes(6).toString('hex')}`;
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    await pool.query(`GRANT USAGE ON SCHEMA pgvector_backfill TO ${role}`);
    await pool.query(`GRANT ALL ON ALL TABLES IN SCHEMA pgvector_backfill TO ${role}`);
    const url = new URL(database.databaseUrl);
    url.username = role;
    url.password = 'secret';
    const plain = open(url.href);
    for (let worker = 0; worker < 3; worker++) {
      const throttle = new Throttle({
        pool: plain,
        backfill: 'docs',
        settings: await settings(),
        logger: silentLogger,
      });
      expect(await throttle.pass()).toBe(true);
    }
    const { rows } = await pool.query<{ message: string }>(
      `SELECT message FROM pgvector_backfill.event WHERE kind = 'throttle.unknown' ORDER BY id`,
    );
    expect(rows.map(({ message }) => message.split(' ')[0])).toEqual([
      'autovacuum',
      'activeSessions',
      'diskUsed',
    ]);
    expect(rows[0]?.message).toContain('pg_monitor');
    await plain.end();
    await pool.query(`DROP OWNED BY ${role}`);
    await pool.query(`DROP ROLE ${role}`);
  });

  it('of those that see the same change one is told so', async () => {
    const seen = { state: 'hold', reason: 'replica lag 3 s', signals: [] } as const;
    const told = await Promise.all(
      Array.from({ length: 5 }, () => saveThrottle(pool, 'docs', { ...seen, signals: [] })),
    );
    expect(told.filter(Boolean)).toHaveLength(1);
    expect(await readThrottle(pool, 'docs')).toMatchObject({ ...seen, run: null, runState: null });
  });

  it('rows a second are given out to all of them together, one behind the other', async () => {
    await saveTuned(pool, 'docs', {});
    // Ten seconds' worth each: what passes between the calls is little beside it.
    const waits = await Promise.all(Array.from({ length: 4 }, () => reserveRows(pool, 'docs', 100, 10)));
    const tens = waits.map((ms) => Math.round(ms / 10_000)).sort((a, b) => a - b);
    expect(tens).toEqual([0, 1, 2, 3]);
    await saveTuned(pool, 'docs', { rowsPerSecond: 10 });
    expect(Math.round((await reserveRows(pool, 'docs', 100, 10)) / 10_000)).toBe(0);
  });

  it('a statement takes no more than a second of them, and never more than mergeRows', async () => {
    const rows = async (more: Record<string, string>): Promise<number> =>
      new Throttle({ pool, backfill: 'docs', settings: await settings(more), logger: silentLogger })
        .statementRows;
    expect(await rows({})).toBe(100);
    expect(await rows({ BACKFILL_MERGE_ROWS: '20' })).toBe(20);
    expect(await rows({ BACKFILL_THROTTLE_ROWS_PER_SECOND: '7.5' })).toBe(8);
    expect(await rows({ BACKFILL_THROTTLE_ROWS_PER_SECOND: '0.1' })).toBe(1);
  });

  it('one that is shut down lets nobody wait', async () => {
    await pool.query('CREATE TABLE docs (id bigint)');
    const throttle = new Throttle({
      pool,
      backfill: 'docs',
      settings: await settings({ BACKFILL_THROTTLE_SQL: 'SELECT 5' }),
      logger: silentLogger,
    });
    const held = throttle.pass();
    throttle.close();
    await expect(held).rejects.toMatchObject({ code: 'HELD', retryable: true });
  });
});
