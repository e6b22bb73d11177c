/** Statements of ours that raise nothing and do not do what was meant: each such row ends as quarantined, with the reason. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkQuarantinedVectors } from '../../src/verify/checks/quarantined-vectors.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

describe.each(databases())('writes without effect, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let config: Config;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 6, logger: silentLogger });
    await migrate(pool);
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    config = await loadConfig({
      flags: {},
      env: {
        DATABASE_URL: database.databaseUrl,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        BACKFILL_BATCH_ROWS: '70',
      },
      cwd: '/',
    });
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  const trigger = async (timing: string, body: string): Promise<void> => {
    await pool.query(
      `CREATE OR REPLACE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`,
    );
    await pool.query(`CREATE OR REPLACE TRIGGER mine ${timing} ON docs FOR EACH ROW EXECUTE FUNCTION mine()`);
  };
  const quarantined = async () =>
    (
      await pool.query<{ key: string; class: string; reason: string }>(
        'SELECT key, class, reason FROM pgvector_backfill.quarantine ORDER BY key::int',
      )
    ).rows;

  it.each([
    {
      what: 'an update that a trigger takes away',
      body: 'IF NEW.id % 10 = 3 THEN RETURN NULL; END IF; RETURN NEW;',
    },
    {
      what: 'another vector in its place',
      body: `IF NEW.id % 10 = 3 THEN NEW.embedding := '[1,0,0,0,0,0,0,0]'; END IF; RETURN NEW;`,
      kept: 10,
    },
    {
      what: 'an update behind the update',
      timing: 'AFTER UPDATE',
      body: 'IF NEW.id % 10 = 3 AND NEW.embedding IS NOT NULL THEN UPDATE docs SET embedding = NULL WHERE id = NEW.id; END IF; RETURN NULL;',
    },
    {
      what: 'a text that is another one each time',
      body: `IF NEW.id % 10 = 3 AND NEW.embedding IS NOT NULL THEN NEW.body := NEW.body || '.'; END IF; RETURN NEW;`,
      reason: 'text changes whenever its vector is written',
      kept: 10,
    },
  ])('$what', async ({ timing = 'BEFORE UPDATE', body, reason = 'has no effect', kept = 0 }) => {
    await pool.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, 100) n`);
    await trigger(timing, body);
    const result = await runAll(pool, config, hashEmbedder(), { index: false });
    expect(await result.account()).toMatchObject({
      eligible: 100,
      embedded: 90,
      quarantined: 10,
      missing: 0,
      stale: 0,
    });
    // Searches would find them by it.
    const { target } = result.context;
    expect(await checkQuarantinedVectors({ pool, target, run: result.run })).toMatchObject({
      value: kept,
      passed: kept === 0,
    });
    const rows = await quarantined();
    expect(rows.map(({ key }) => key)).toEqual(['3', '13', '23', '33', '43', '53', '63', '73', '83', '93']);
    expect(rows[0]).toMatchObject({ class: 'refused', reason: expect.stringContaining(reason) as string });
    if (timing.startsWith('BEFORE')) expect(rows[0]?.reason).toContain('triggers mine');

    // By sync as well: an edit, and a text that goes away with its vector left behind.
    await pool.query(`UPDATE docs SET body = 'edited' WHERE id IN (4, 5)`);
    await pool.query('ALTER TABLE docs DISABLE TRIGGER mine');
    await pool.query(`UPDATE docs SET body = 'edited', embedding = embedding WHERE id IN (23, 24)`);
    await pool.query('ALTER TABLE docs ENABLE TRIGGER mine');
    // A text that the trigger changes is captured like any other edit.
    await result.sync();
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ embedded: 90, quarantined: 10, missing: 0, stale: 0 });

    // The trigger is gone: an edit takes the row out again.
    await pool.query('DROP TRIGGER mine ON docs');
    await pool.query(`UPDATE docs SET body = 'free at last' WHERE id % 10 = 3`);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ embedded: 100, quarantined: 0 });
  });

  it('a trigger that tidies the text once does not cost the row its vector', async () => {
    await pool.query(`INSERT INTO docs SELECT n, 'Text ' || n FROM generate_series(1, 20) n`);
    await trigger('BEFORE UPDATE', 'NEW.body := lower(NEW.body); RETURN NEW;');
    const result = await runAll(pool, config, hashEmbedder(), { index: false });
    expect(await result.account()).toMatchObject({ eligible: 20, embedded: 20, quarantined: 0 });
  });

  it('a table that takes no vector at all stops the run, and does not stop sync', async () => {
    await pool.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, 60) n`);
    await trigger('BEFORE UPDATE', 'RETURN NULL;');
    await expect(runAll(pool, config, hashEmbedder(), { index: false })).rejects.toMatchObject({
      code: 'TABLE_REFUSES',
      message: expect.stringContaining('none of 60 rows') as string,
    });
    expect(await quarantined()).toEqual([]);
    await pool.query('DROP TRIGGER mine ON docs');
    const result = await runAll(pool, config, hashEmbedder(), { index: false });
    await trigger('BEFORE UPDATE', 'RETURN NULL;');
    await pool.query(`INSERT INTO docs SELECT n, 'more ' || n FROM generate_series(101, 160) n`);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ embedded: 60, quarantined: 60 });
  });
});
