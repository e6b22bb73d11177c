/** The statement of the application comes first: whatever is wrong with capture, it goes through, and a sweep is asked for. */

import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { applyCapture } from '../../src/sync/capture.ts';
import { captureFunction } from '../../src/sync/capture-ddl.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { databases, hasPostgres, type TestDatabase } from '../setup/databases.ts';

describe.each(databases())('triggers of change capture refuse nothing, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let client: pg.PoolClient;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await migrate(pool);
    await pool.query(
      'CREATE TABLE docs (id bigint PRIMARY KEY, body text, embedding text, embedding_updated_at timestamptz)',
    );
    await pool.query(`INSERT INTO docs SELECT n, 'old ' || n FROM generate_series(1, 300) n`);
    const { settings } = await loadConfig({
      flags: {},
      env: { DATABASE_URL: database.databaseUrl, BACKFILL_TABLE: 'docs', BACKFILL_TEXT: 'body' },
      cwd: '/',
    });
    const target = await describeTarget(pool, 'docs', settings);
    await saveBackfill(pool, target, {});
    await applyCapture(pool, target, settings);
    client = await pool.connect();
  });
  afterEach(async () => {
    client.release(true);
    await pool.end();
    await database.drop();
  });

  const CHANGE = 'pgvector_backfill.change';
  const FUNCTION = captureFunction({ name: 'docs', table: '"public"."docs"' });
  /** Reasons noted, and keys: `null` stands for a sweep as well. */
  const noted = async (): Promise<{ reasons: string[]; keys: (string | null)[] }> => {
    const of = async <T>(table: string, column: string): Promise<T[]> => {
      const there = await client.query<{ there: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS there`, [
        table,
      ]);
      if (there.rows[0]?.there !== true) return [];
      const found = await client.query<{ value: T }>(`SELECT ${column} AS value FROM ${table} ORDER BY id`);
      return found.rows.map(({ value }) => value);
    };
    return {
      reasons: await of<string>('pgvector_backfill.missed_change', 'reason'),
      keys: await of<string | null>(CHANGE, "to_jsonb(change) ->> 'key'"),
    };
  };

  it('goes through whatever is wrong with key or ledger', async () => {
    const cases: { fault: string; sql: string; reasons: string[]; keys?: null[] }[] = [
      {
        fault: 'the key is renamed',
        sql: 'ALTER TABLE docs RENAME COLUMN id TO article_id',
        reasons: ['42703'],
      },
      { fault: 'the key is dropped', sql: 'ALTER TABLE docs DROP COLUMN id CASCADE', reasons: ['42703'] },
      { fault: 'the change table is missing', sql: `DROP TABLE ${CHANGE}`, reasons: ['42P01'] },
      {
        fault: 'it has other columns',
        sql: `ALTER TABLE ${CHANGE} RENAME COLUMN key TO k`,
        reasons: ['42703'],
      },
      {
        fault: 'it takes nothing',
        sql: `ALTER TABLE ${CHANGE} ADD CHECK (false) NOT VALID`,
        reasons: ['23514'],
      },
      {
        fault: 'the function has lost its rights',
        sql: `ALTER FUNCTION ${FUNCTION} OWNER TO pg_monitor`,
        reasons: [],
      },
      {
        fault: 'no table is left',
        sql: `DROP TABLE ${CHANGE}, pgvector_backfill.missed_change`,
        reasons: [],
      },
      { fault: 'our schema is dropped', sql: 'DROP SCHEMA pgvector_backfill CASCADE', reasons: [] },
      {
        fault: 'the note of a miss is missing too, and the key',
        sql: 'DROP TABLE pgvector_backfill.missed_change; ALTER TABLE docs RENAME COLUMN id TO n',
        reasons: [],
        keys: [null],
      },
    ];
    for (const { fault, sql, reasons, keys = [] } of cases) {
      await client.query('BEGIN');
      await client.query(sql);
      await client.query(`INSERT INTO docs SELECT n + 1000, 'new' FROM generate_series(1, 100) n;
       UPDATE docs SET body = 'edited'; DELETE FROM docs WHERE body = 'edited'; TRUNCATE docs`);
      expect({ fault, ...(await noted()) }).toEqual({ fault, reasons, keys });
      await client.query('ROLLBACK');
    }
    expect(await noted()).toEqual({ reasons: [], keys: [] });
  });

  it('a migration that writes, renames the key and writes on, in one string of statements', async () => {
    await client.query(`BEGIN; INSERT INTO docs VALUES (-1, 'before'); UPDATE docs SET body = 'b' WHERE id < 10;
      ALTER TABLE docs RENAME COLUMN id TO article_id;
      INSERT INTO docs VALUES (1000, 'after'); UPDATE docs SET body = 'c'; DELETE FROM docs; COMMIT`);
    expect(await noted()).toMatchObject({ reasons: ['42703'], keys: { length: 11 } });
  });

  it.runIf(hasPostgres())(
    'the change table is locked: a statement waits once, and for a moment',
    async () => {
      const before = (await client.query('SHOW lock_timeout')).rows;
      const holder = await pool.connect();
      await holder.query(`BEGIN; LOCK TABLE ${CHANGE} IN ACCESS EXCLUSIVE MODE`);
      const started = performance.now();
      await client.query('BEGIN');
      await client.query(`SET LOCAL lock_timeout = '7s'`);
      await client.query(`UPDATE docs SET body = 'edited'; DELETE FROM docs WHERE id < 100`);
      // 300 and 99 rows; a wait of 250 ms for each would be minutes.
      expect(performance.now() - started).toBeLessThan(5000);
      expect((await client.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '7s' }]);
      await client.query('COMMIT');
      await holder.query('ROLLBACK');
      holder.release();
      expect(await noted()).toEqual({ reasons: ['55P03'], keys: [] });
      // The next transaction is noted again, row by row, and leaves the session as it was.
      await client.query(`UPDATE docs SET body = 'again' WHERE id IN (100, 101)`);
      expect((await noted()).keys).toEqual(['100', '101']);
      expect((await client.query('SHOW lock_timeout')).rows).toEqual(before);
    },
  );

  it('many rows of one transaction take one transaction id more, not one each', async () => {
    await client.query('BEGIN');
    await client.query(`UPDATE docs SET body = 'edited'`);
    const found = await client.query<{ ids: number }>(
      `SELECT count(DISTINCT xmin::text)::int AS ids FROM ${CHANGE}`,
    );
    await client.query('COMMIT');
    expect(found.rows[0]?.ids).toBe(2);
    expect((await noted()).keys).toHaveLength(300);
  });
});
