/** Keys and tables of kinds that are seldom: they work, or doctor refuses them for the true reason. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { planSearchFunction } from '../../src/cutover/search-function.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { diagnose } from '../../src/planning/doctor.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { legacySearch } from '../../src/search/queries/legacy-query.ts';
import { textSearch } from '../../src/search/queries/text-query.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { complaints, hashEmbedder, runAll, type RunResult } from '../setup/whole-run.ts';

describe.runIf(hasPostgres())('unusual keys and tables', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector SCHEMA public');
    await migrate(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    await pool.query('DROP SCHEMA IF EXISTS odd CASCADE');
    await pool.query('CREATE SCHEMA odd');
    await pool.query('DELETE FROM pgvector_backfill.run');
    await pool.query('DELETE FROM pgvector_backfill.backfill');
  });

  const configOf = (flags: Record<string, string> = {}): Promise<Config> =>
    loadConfig({
      flags: { table: 'odd.docs', text: 'body', 'batch-rows': '4', ...flags },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
  async function make(columns: string): Promise<void> {
    await pool.query(`CREATE TABLE odd.docs ${columns}`);
    await pool.query(`INSERT INTO odd.docs SELECT n, 'text ' || n FROM generate_series(1, 10) n`);
  }
  async function blocking(flags: Record<string, string> = {}): Promise<Finding[]> {
    const { backfill, settings } = await configOf(flags);
    const openEmbedder = (): Promise<ReturnType<typeof hashEmbedder>> => Promise.resolve(hashEmbedder());
    const { findings } = await diagnose({ pool, backfill, settings, openEmbedder, withQueue: false });
    return findings.filter(({ level }) => level === 'error');
  }
  async function wholeRoad(flags: Record<string, string> = {}): Promise<RunResult> {
    const config = await configOf(flags);
    expect(await complaints(pool, config)).toEqual([]);
    return runAll(pool, config, hashEmbedder());
  }

  it('a key of a domain over a domain over bigint, with the search function', async () => {
    await pool.query('CREATE DOMAIN odd.positive AS bigint CHECK (value > 0)');
    await pool.query('CREATE DOMAIN odd.ticket AS odd.positive');
    await make('(id odd.ticket PRIMARY KEY, body text)');
    const result = await wholeRoad();
    await pool.query(`UPDATE odd.docs SET body = 'edited' WHERE id = 3`);
    await pool.query(`INSERT INTO odd.docs VALUES (11, 'new')`);
    await pool.query('DELETE FROM odd.docs WHERE id = 4');
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 10, embedded: 10 });
    const { target, settings } = result.context;
    const { name, statements } = await planSearchFunction(pool, target, settings.metric, {});
    for (const sql of statements) await pool.query(sql);
    // With fewer rows than asked for the function takes its second way, too.
    for (const k of [3, 50]) {
      const found = await pool.query<{ key: string }>(
        `SELECT key FROM ${name}((SELECT embedding FROM odd.docs WHERE id = 11), $1)`,
        [k],
      );
      expect(found.rows[0]).toEqual({ key: '11' });
      expect(found.rowCount).toBe(Math.min(k, 10));
    }
  });

  it('a primary key that is deferrable, whose keys are exchanged in one transaction', async () => {
    await make('(id bigint PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, body text)');
    const result = await wholeRoad();
    await pool.query('UPDATE odd.docs SET id = CASE id WHEN 1 THEN 2 ELSE 1 END WHERE id IN (1, 2)');
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 10, embedded: 10 });
  });

  it('a table that was made of a type, and what is said to do about it', async () => {
    await pool.query('CREATE TYPE odd.doc AS (id bigint, body text)');
    await make('OF odd.doc (PRIMARY KEY (id))');
    const [finding, ...others] = await blocking();
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      check: 'typed-table',
      message: expect.stringContaining('type doc') as string,
    });
    await pool.query(/ALTER TABLE .* NOT OF/.exec(finding?.remedy ?? '')?.[0] ?? '');
    expect(await (await wholeRoad()).account()).toMatchObject({ embedded: 10 });
  });

  it.each(['batch', 'text_hash', 'staged_at'])('a key that is named %s, as a column of ours', async (key) => {
    await make(`(${key} bigint PRIMARY KEY, body text)`);
    expect(await blocking({ key })).toMatchObject([
      {
        check: 'key',
        message: `Key column ${key} of odd.docs has the name of a column that the staging table has of its own.`,
      },
    ]);
  });

  it('a NOT NULL that is not validated, over rows without a key', async () => {
    await make('(id bigint UNIQUE, body text)');
    await pool.query('UPDATE odd.docs SET id = NULL WHERE id = 7');
    const added = await pool
      .query('ALTER TABLE odd.docs ADD CONSTRAINT has_id NOT NULL id NOT VALID')
      .catch(() => null);
    // Known to PostgreSQL 18 and newer.
    if (added === null) return;
    expect(await blocking()).toMatchObject([
      {
        check: 'key',
        message: expect.stringMatching(/null in some rows: .*has_id is not validated/) as string,
      },
    ]);
    await pool.query('DELETE FROM odd.docs WHERE id IS NULL');
    expect(await (await wholeRoad()).account()).toMatchObject({ eligible: 9, embedded: 9 });
  });

  it('malformed JSON under the text: one row is quarantined, and searches of ours pass it over', async () => {
    await make('(id bigint PRIMARY KEY, body text)');
    await pool.query(`UPDATE odd.docs SET body = json_build_object('title', 'tyre ' || id)::text`);
    await pool.query(`UPDATE odd.docs SET body = '{"title": "broken' WHERE id = 7`);
    const result = await wholeRoad({ text: `sql:body::json ->> 'title'` });
    const { context } = result;
    expect(await result.account()).toMatchObject({ eligible: 10, embedded: 9, quarantined: 1 });
    const { target, settings } = context;
    expect((await legacySearch(pool, target, settings, 'tyre', 20)).keys).toHaveLength(9);
    expect(await textSearch(pool, target, settings, 'tyre', 20)).toHaveLength(9);
    // One that nobody has met yet is told as what it is.
    await pool.query(`UPDATE odd.docs SET body = '{' WHERE id = 8`);
    await expect(textSearch(pool, target, settings, 'tyre', 20)).rejects.toThrow(
      /ranking does not run: .*(22P02|json)/,
    );
  });
});
