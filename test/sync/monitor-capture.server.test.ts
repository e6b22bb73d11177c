/** Capture that is no longer armed: workers see it, arm it again, and find what was written meanwhile. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { captureDisarmed, saveSyncMode, syncState } from '../../src/ledger/changes/drain-lease.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { diagnose } from '../../src/planning/doctor.ts';
import { missingCapture } from '../../src/sync/capture.ts';
import { captureFunction } from '../../src/sync/capture-ddl.ts';
import { monitorCapture } from '../../src/sync/monitor-capture.ts';
import { sweepSome } from '../../src/sync/sweep-missed-rows.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { databases, hasPostgres, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll, type RunResult } from '../setup/whole-run.ts';
import { until } from '../setup/until.ts';

describe.each(databases())('looking after change capture, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let config: Config;
  let result: RunResult;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 6, logger: silentLogger });
    await migrate(pool);
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  async function open(table: string, options: Record<string, string> = {}): Promise<void> {
    await pool.query(table);
    await pool.query(`INSERT INTO docs (id, body) SELECT n, 'old ' || n FROM generate_series(1, 40) n`);
    config = await loadConfig({
      flags: {},
      env: {
        DATABASE_URL: database.databaseUrl,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        BACKFILL_BATCH_ROWS: '15',
        ...options,
      },
      cwd: '/',
    });
    result = await runAll(pool, config, hashEmbedder(), { index: false });
    await look();
    expect(await wanted()).toBe(false);
  }
  const input = async () => ({
    pool,
    run: result.run,
    target: await describeTarget(pool, config.backfill, config.settings),
  });
  const look = async (partPages = 5): Promise<void> =>
    monitorCapture(await input(), { everySeconds: 0, partPages });
  const wanted = async (): Promise<boolean> => {
    const found = await pool.query<{ wanted: boolean }>(
      'SELECT sweep_wanted AS wanted FROM pgvector_backfill.sync',
    );
    return found.rows[0]?.wanted === true;
  };
  const sweep = async (pace = { seconds: 3600, slowSeconds: null as number | null }, holds = false) =>
    sweepSome(await input(), pace, 60_000, () => Promise.resolve(!holds));
  const unfinished = async (): Promise<number> => {
    const { missing, stale } = await result.account();
    return missing + stale;
  };

  it('whatever was done to the triggers, rows written meanwhile get their vectors', async () => {
    await open('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    const triggers = ['row', 'update', 'truncate'].map((each) => `pgvector_backfill_capture_${each}`);
    const ways = [
      {
        way: 'off, on',
        off: 'ALTER TABLE docs DISABLE TRIGGER USER',
        on: 'ALTER TABLE docs ENABLE TRIGGER USER',
      },
      {
        way: 'off, and on as it was',
        off: 'ALTER TABLE docs DISABLE TRIGGER USER',
        on: triggers.map((name) => `ALTER TABLE docs ENABLE ALWAYS TRIGGER ${name}`).join(';'),
        whole: true,
      },
      {
        way: 'dropped',
        off: `DROP TRIGGER ${triggers[0]} ON docs; DROP TRIGGER ${triggers[1]} ON docs`,
        on: 'SELECT 1',
      },
      {
        way: 'another function',
        off: `CREATE OR REPLACE FUNCTION ${captureFunction({ name: 'docs', table: '"public"."docs"' })} RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
        on: 'SELECT 1',
      },
      {
        way: 'the key was called something else',
        off: 'ALTER TABLE docs RENAME COLUMN id TO n',
        on: 'ALTER TABLE docs RENAME COLUMN n TO id',
        whole: true,
      },
      {
        way: 'dropped for another type of the text',
        off: `DROP TRIGGER ${triggers[1]} ON docs; ALTER TABLE docs ALTER COLUMN body TYPE varchar USING body || '.'`,
        on: 'SELECT 1',
      },
    ];
    for (const [at, { way, off, on, whole = false }] of ways.entries()) {
      await pool.query(off);
      await pool.query(`UPDATE docs SET body = $1 WHERE body LIKE '%1%'`, [`edited by ${at}, 1`]);
      await pool.query(`INSERT INTO docs SELECT $1 + n, 'added 2' FROM generate_series(1, 5) n`, [
        100 * (at + 1),
      ]);
      await pool.query(on);
      expect({ way, open: (await unfinished()) > 0, wanted: await wanted() }).toEqual({
        way,
        open: true,
        wanted: false,
      });
      expect({ way, said: (await syncState(pool, 'docs')).reason === '' }).toEqual({
        way,
        said: whole || way === 'another function',
      });
      await look();
      expect({
        way,
        wanted: await wanted(),
        missing: await missingCapture(pool, (await input()).target, 'trigger'),
      }).toEqual({
        way,
        wanted: true,
        missing: [],
      });
      expect(await sweep()).toBeGreaterThan(0);
      expect({ way, left: await result.sync(), open: await unfinished() }).toEqual({ way, left: 0, open: 0 });
      expect(await captureDisarmed(pool, 'docs')).toBe('');
      await look();
      expect({ way, wanted: await wanted() }).toEqual({ way, wanted: false });
    }
    const events = await pool.query(
      `SELECT kind, count(*)::int AS n FROM pgvector_backfill.event WHERE kind IN ('sync.rearmed', 'sync.missed') GROUP BY 1 ORDER BY 1`,
    );
    expect(events.rows).toEqual([
      { kind: 'sync.missed', n: 1 },
      { kind: 'sync.rearmed', n: 5 },
    ]);
  });

  it('a partition that is attached with rows; one that is made empty asks for no sweep', async () => {
    await open(
      `CREATE TABLE docs (id bigint PRIMARY KEY, body text) PARTITION BY RANGE (id);
       CREATE TABLE docs_low PARTITION OF docs FOR VALUES FROM (0) TO (100)`,
    );
    await pool.query('CREATE TABLE docs_made PARTITION OF docs FOR VALUES FROM (200) TO (300)');
    await pool.query('CREATE TABLE docs_high (LIKE docs INCLUDING ALL)');
    await pool.query(
      `INSERT INTO docs_high (id, body) SELECT n, 'came ' || n FROM generate_series(100, 150) n`,
    );
    await pool.query('ALTER TABLE docs ATTACH PARTITION docs_high FOR VALUES FROM (100) TO (200)');
    await look();
    expect(await wanted()).toBe(false);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 91, embedded: 91 });
    // More than is read at once: the sweep goes on with it. And one of a partition that was switched off.
    await pool.query('CREATE TABLE docs_large (LIKE docs INCLUDING ALL)');
    await pool.query(`INSERT INTO docs_large (id, body) SELECT n, 'many' FROM generate_series(1000, 1020) n`);
    await pool.query('ALTER TABLE docs ATTACH PARTITION docs_large FOR VALUES FROM (1000) TO (20000)');
    await pool.query('ALTER TABLE docs_low DISABLE TRIGGER USER');
    await pool.query(`UPDATE docs_low SET body = 'unseen'`);
    await look(0);
    expect(await wanted()).toBe(true);
    const off = await pool.query(
      `SELECT tgrelid::regclass FROM pg_trigger WHERE starts_with(tgname::text, 'pgvector_backfill') AND tgenabled <> 'A'`,
    );
    expect(off.rows).toEqual([]);
    await sweep();
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 112, embedded: 112 });
  });

  it('a condition of the clock: doctor names it, and rows get their vectors when their time has come', async () => {
    await open('CREATE TABLE docs (id bigint PRIMARY KEY, body text, publish_at timestamptz DEFAULT now())', {
      BACKFILL_WHERE: 'publish_at <= clock_timestamp()',
    });
    const { findings } = await diagnose({
      pool,
      ...config,
      openEmbedder: () => Promise.resolve(hashEmbedder()),
      withQueue: false,
    });
    expect(findings.filter(({ check }) => check === 'immutable')).toEqual([
      expect.objectContaining({
        level: 'warn',
        option: 'where',
        message: expect.stringContaining('clock_timestamp() (volatile)') as string,
      }),
    ]);
    expect((await syncState(pool, 'docs')).reason).toContain('clock_timestamp() (volatile) in where');
    await pool.query(`INSERT INTO docs VALUES (100, 'later', clock_timestamp() + interval '200 ms')`);
    expect(await result.sync()).toBe(0);
    await until('a row has become eligible', async () => (await result.account()).eligible !== 40);
    // Not by the pace of a slow one, and not while the throttle holds.
    await pool.query(`UPDATE pgvector_backfill.sync SET updated_at = now() - interval '10 minutes'`);
    expect(await sweep({ seconds: 660, slowSeconds: 60 })).toBe(0);
    expect(await sweep({ seconds: 540, slowSeconds: 3600 }, true)).toBe(0);
    expect(await sweep({ seconds: 540, slowSeconds: 3600 })).toBe(1);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 41, embedded: 41 });
  });

  it('a slow sweep finds what no trigger could see, in its time', async () => {
    await open('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await pool.query(`UPDATE docs SET embedding = NULL WHERE id = 7`);
    await pool.query(`UPDATE pgvector_backfill.sync SET updated_at = now() - interval '10 minutes'`);
    expect(await sweep({ seconds: 1, slowSeconds: null })).toBe(0);
    expect(await sweep({ seconds: 1, slowSeconds: 660 })).toBe(0);
    expect(await sweep({ seconds: 1, slowSeconds: 540 })).toBe(1);
    const paced = await pool.query('SELECT sweep_urgent FROM pgvector_backfill.sync');
    expect(paced.rows).toEqual([{ sweep_urgent: false }]);
    expect(await result.sync()).toBe(0);
    expect(await unfinished()).toBe(0);
  });

  it.runIf(hasPostgres())(
    'says why it cannot arm, does it later, and not once capture is taken off',
    async () => {
      await open('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
      await pool.query('ALTER TABLE docs DISABLE TRIGGER USER');
      const holder = await pool.connect();
      await holder.query(`BEGIN; UPDATE docs SET body = 'held' WHERE id = 1`);
      await look();
      const { reason } = await syncState(pool, 'docs');
      expect(reason).toContain('could not be armed again');
      expect(reason).toContain('other transactions held the table');
      expect(await captureDisarmed(pool, 'docs')).toBe(reason);
      await holder.query('COMMIT');
      holder.release();
      await look();
      expect((await syncState(pool, 'docs')).reason).toBe('');
      await sweep();
      expect(await result.sync()).toBe(0);
      expect(await unfinished()).toBe(0);
      await pool.query('ALTER TABLE docs DISABLE TRIGGER USER');
      await saveSyncMode(pool, 'docs', 'off', 'dropped');
      await look();
      const state = await pool.query(
        `SELECT DISTINCT tgenabled FROM pg_trigger WHERE starts_with(tgname::text, 'pgvector_backfill')`,
      );
      expect(state.rows).toEqual([{ tgenabled: 'D' }]);
    },
  );
});
