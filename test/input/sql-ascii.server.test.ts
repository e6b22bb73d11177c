/** A database that knows of no encoding (any server made with LC_ALL=C): left() counts bytes, and texts may be none. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { diagnose } from '../../src/planning/doctor.ts';
import { compareSearches } from '../../src/search/compare.ts';
import { verify } from '../../src/verify/verify.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

const ROWS = 60;

describe.runIf(hasPostgres())('a SQL_ASCII database', () => {
  let database: TestDatabase;
  let pool: Pool;
  let config: Config;
  beforeEach(async () => {
    database = await realDatabase(undefined, { sql: `ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'` });
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    // Of every length, so that a cut goes through each byte of a character.
    await pool.query(
      `INSERT INTO docs SELECT n, repeat('x', n) || repeat('трубка', 1000) FROM generate_series(1, ${ROWS}) n`,
    );
    config = await loadConfig({
      flags: { table: 'docs', text: 'body', 'batch-rows': '50' },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('texts are cut at characters, bytes that are no text are quarantined by key, and doctor and verify go on', async () => {
    const { settings, backfill } = config;
    const embedder = hashEmbedder();
    await pool.query(`UPDATE docs SET body = E'caf\\xe9' WHERE id = 7`);
    const openEmbedder = (): Promise<typeof embedder> => Promise.resolve(embedder);
    const { findings } = await diagnose({ pool, backfill, settings, openEmbedder, withQueue: false });
    expect(findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(findings.find(({ check }) => check === 'encoding')?.level).toBe('warn');
    expect(findings.find(({ check }) => check === 'text-read')?.message).toMatch(
      /1 of 60 sampled rows.*key 7 /,
    );

    const result = await runAll(pool, config, embedder);
    expect(await result.account()).toMatchObject({ embedded: ROWS - 1, quarantined: 1 });
    await pool.query(`UPDATE docs SET body = body || E'\\xff' WHERE id = 8`);
    await pool.query(`UPDATE docs SET body = 'трубка' WHERE id = 7`);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({
      embedded: ROWS - 1,
      quarantined: 1,
      stale: 0,
      missing: 0,
    });
    const set = await pool.query('SELECT key, class FROM pgvector_backfill.quarantine');
    expect(set.rows).toEqual([{ key: '8', class: 'unreadable' }]);

    const { target } = result.context;
    const verification = await verify({
      pool,
      target,
      settings,
      run: result.run,
      openEmbedder,
      queryInput: { queries: null, judgements: null },
    });
    expect(verification.checks.find(({ name }) => name === 'freshness')).toMatchObject({
      passed: true,
      value: expect.closeTo(0, 5) as number,
    });
    expect(verification.checks.find(({ name }) => name === 'accounting')?.passed).toBe(true);
    const compared = await compareSearches({ pool, target, settings, embedder }, 'трубка', 60);
    expect(compared.vector.map(({ title }) => title.slice(-6))).toContain('трубка');
  });
});
