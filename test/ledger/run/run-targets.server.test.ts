/** A worker describes its table once, and never goes by a description that is no longer true. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../../src/config/load.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { saveIndexPlan } from '../../../src/ledger/backfill/index-plan.ts';
import { RunTargets, type RunTarget } from '../../../src/ledger/run/run-target.ts';
import type { Run } from '../../../src/ledger/run/run.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { databases, type TestDatabase } from '../../setup/databases.ts';
import { hashEmbedder, runAll } from '../../setup/whole-run.ts';

describe.each(databases())('targets of a run on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let config: Config;
  let run: Run;

  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 3, logger: silentLogger });
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, title text)');
    await pool.query(`INSERT INTO docs SELECT n, 'title ' || n FROM generate_series(1, 5) n`);
    await migrate(pool);
    const env = {
      DATABASE_URL: database.databaseUrl,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'title',
      BACKFILL_INDEX_METHOD: 'auto',
    };
    config = await loadConfig({ flags: {}, env, cwd: '/' });
    ({ run } = await runAll(pool, config, hashEmbedder()));
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('ask one statement while nothing has changed, and see each change', async () => {
    let statements = 0;
    const counted = {
      query: (text: string, values?: unknown[]) => {
        statements++;
        return pool.query(text, values);
      },
    };
    const targets = new RunTargets(counted, config.settings);
    const first = await targets.of(run);
    statements = 0;
    expect(await targets.of(run)).toBe(first);
    expect(statements).toBe(1);

    const change = async (sql: string): Promise<RunTarget> => {
      await pool.query(sql);
      return targets.of(run);
    };
    expect(await change('ALTER TABLE docs ADD COLUMN body text')).not.toBe(first);
    const moved = await change('CREATE SCHEMA elsewhere; ALTER EXTENSION vector SET SCHEMA elsewhere');
    expect(moved.target.vectorPrefix).toBe('"elsewhere".');
    await saveIndexPlan(pool, 'docs', { method: 'ivfflat', type: 'halfvec' });
    expect((await targets.of(run)).target).toMatchObject({
      indexed: { method: 'ivfflat', type: 'halfvec' },
      indexName: 'docs_embedding_ivfflat_idx',
    });
    await expect(change('ALTER TABLE docs RENAME COLUMN id TO number')).rejects.toMatchObject({
      code: 'KEY_MISSING',
    });
    expect((await change('ALTER TABLE docs RENAME COLUMN number TO id')).target.key).toMatchObject([
      { name: 'id' },
    ]);
    await expect(change('ALTER TABLE docs RENAME TO docs_old')).rejects.toMatchObject({
      code: 'TABLE_REPLACED',
    });
    await change('ALTER TABLE docs_old RENAME TO docs');
  });
});
