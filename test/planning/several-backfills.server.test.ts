/** Names of several backfills of a table, and of those that earlier releases have made. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { keptSettings } from '../../src/ledger/backfill/kept-settings.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { scopeDifference, scopeOf } from '../../src/ledger/run/scope.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkOtherBackfills } from '../../src/planning/checks/other-backfills.ts';
import { registerBackfill } from '../../src/planning/register-backfill.ts';
import { storedSettings } from '../../src/planning/enqueue.ts';
import { searchFunctionName } from '../../src/search/queries/sql-function.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';

describe.each(databases())('names of several backfills of a table, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 6, logger: silentLogger });
    await migrate(pool);
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, title text, body text)');
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  const load = (backfill: string, column: string, text = 'body', more = {}): Promise<Config> =>
    loadConfig({
      flags: {},
      env: {
        DATABASE_URL: database.databaseUrl,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: text,
        BACKFILL_COLUMN: column,
        ...more,
      },
      cwd: '/',
      backfill,
    });
  const register = async (config: Config): Promise<{ index: string; stage: string; search: string }> => {
    const target = await describeTarget(pool, config.backfill, config.settings);
    const named = await registerBackfill(pool, target, storedSettings(config.settings), []);
    expect(await describeTarget(pool, config.backfill, config.settings)).toEqual(named);
    return { index: named.indexName, stage: named.stageName, search: searchFunctionName(named) };
  };

  it('come of table and column; two that are enqueued at the same moment take different ones', async () => {
    const both = await Promise.all([load('a', 'vec'), load('b', 'title_vec', 'title')]);
    const [one, other] = await Promise.all(both.map(register));
    expect(one).toMatchObject({ index: 'docs_vec_hnsw_idx', stage: 'docs_vec_stage' });
    expect(other).toMatchObject({ index: 'docs_title_vec_hnsw_idx', stage: 'docs_title_vec_stage' });
    const searches = [one?.search, other?.search];
    expect(searches.filter((name) => name === '"public"."search_docs"')).toHaveLength(1);
    expect(searches.filter((name) => /search_docs_(title_)?vec"$/.test(name ?? ''))).toHaveLength(1);
  });

  it('are not enough where one writes what the other writes or reads, or reads what it writes', async () => {
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query(
      'ALTER TABLE docs ADD COLUMN embedding vector(3), ADD COLUMN embedding_updated_at timestamptz, ADD COLUMN seen_at timestamptz',
    );
    await register(await load('first', 'embedding', 'sql:body || seen_at'));
    for (const [column, text, more, message, option] of [
      ['embedding', 'body', {}, 'embedding of public.docs is written by backfill first', 'column'],
      [
        'vec',
        'body',
        { BACKFILL_UPDATED_AT_COLUMN: 'embedding_updated_at' },
        'embedding_updated_at of public.docs is written by backfill first',
        'updatedAtColumn',
      ],
      [
        'vec',
        'body',
        { BACKFILL_UPDATED_AT_COLUMN: 'seen_at' },
        'seen_at of public.docs is read by key, text or condition of backfill first',
        'updatedAtColumn',
      ],
      ['vec', 'body', { BACKFILL_WHERE: 'embedding IS NULL' }, 'reads, is written by backfill first', 'text'],
      ['vec', 'sql:docs::text', {}, 'reads, is written by backfill first', 'text'],
    ] as [string, string, Record<string, string>, string, string][]) {
      const config = await load('second', column, text, more);
      await expect(register(config)).rejects.toMatchObject({
        code: 'COLUMN_CLASH',
        message: expect.stringContaining(message) as string,
      });
      const target = await describeTarget(pool, 'second', config.settings);
      expect(await checkOtherBackfills(pool, target)).toMatchObject([{ level: 'error', option }]);
    }
    const beside = await load('second', 'vec', 'sql:body || seen_at');
    const target = await describeTarget(pool, 'second', beside.settings);
    expect(await checkOtherBackfills(pool, target)).toMatchObject([
      { level: 'ok', message: expect.stringContaining('first (embedding, embedding_updated_at)') as string },
    ]);
    await register(beside);
  });

  it('of an earlier release stay, and no new run is due for them', async () => {
    const config = await load('old', 'vec');
    const before = { ...config.settings, updatedAtColumn: 'embedding_updated_at' };
    await pool.query(
      `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings)
       VALUES ('old', '"public"."docs"', 'id', '"pgvector_backfill"."docs_vec_stage"', $1)`,
      [JSON.stringify(storedSettings(before))],
    );
    expect(scopeDifference(scopeOf(before), config.settings)).toBeNull();
    const settings = await keptSettings(pool, 'old', config.settings);
    expect(settings).toEqual(before);
    expect(await describeTarget(pool, 'old', settings)).toMatchObject({
      indexName: 'docs_embedding_hnsw_idx',
      updatedAtColumn: 'embedding_updated_at',
      searchStem: '',
    });
    // A column that is named is meant.
    const named = await load('old', 'vec', 'body', { BACKFILL_UPDATED_AT_COLUMN: 'at' });
    expect((await keptSettings(pool, 'old', named.settings)).updatedAtColumn).toBe('at');
    expect(scopeDifference(scopeOf(before), named.settings)).toContain('updatedAtColumn was');
    // Its index has the name that another one's would have by its column.
    const second = await load('second', 'embedding', 'title', { BACKFILL_UPDATED_AT_COLUMN: 'second_at' });
    expect(await register(second)).toEqual({
      index: 'docs_embedding_2_hnsw_idx',
      stage: 'docs_embedding_stage',
      search: '"public"."search_docs_embedding"',
    });
  });
});
