/** Which columns are taken for the key, and that a backfill keeps them and their order. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkKey } from '../../src/planning/checks/key.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';

describe.runIf(hasPostgres())('the key of a table', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    await pool.query('DROP TABLE IF EXISTS docs');
    await pool.query('TRUNCATE pgvector_backfill.backfill CASCADE');
    await pool.query(
      'CREATE TABLE docs (a text NOT NULL, b uuid NOT NULL, c integer NOT NULL, d smallint, e numeric NOT NULL, body text)',
    );
  });

  const make = async (...sql: string[]): Promise<void> => {
    for (const each of sql) await pool.query(each);
  };
  const configOf = (key?: string): Promise<Config> =>
    loadConfig({
      flags: { table: 'docs', text: 'body', ...(key === undefined ? {} : { key }) },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
  async function found(key?: string): Promise<{ columns: string; index: string | null; said: Finding[] }> {
    const { backfill, settings } = await configOf(key);
    const target = await describeTarget(pool, backfill, settings);
    const columns = target.key
      .map(({ name, isDescending }) => `${name}${isDescending ? ' desc' : ''}`)
      .join(', ');
    return { columns, index: target.keyIndex, said: await checkKey(pool, target, settings) };
  }

  it('is the primary key, else the narrowest unique index of columns that are not null', async () => {
    await expect(found()).rejects.toMatchObject({ code: 'KEY_MISSING' });
    await make(
      'CREATE UNIQUE INDEX partial ON docs (c) WHERE c > 0',
      'CREATE UNIQUE INDEX expression ON docs ((c + 1))',
      'CREATE UNIQUE INDEX nullable ON docs (d)',
      'CREATE UNIQUE INDEX by_pattern ON docs (a text_pattern_ops)',
      'CREATE INDEX not_unique ON docs (c)',
    );
    await expect(found()).rejects.toMatchObject({ code: 'KEY_MISSING' });
    await make('CREATE UNIQUE INDEX two ON docs (c, d)', 'CREATE UNIQUE INDEX wide ON docs (b, c)');
    expect(await found()).toMatchObject({ columns: 'b, c', index: 'wide' });
    await make('CREATE UNIQUE INDEX words ON docs (a)', 'CREATE UNIQUE INDEX ids ON docs (b)');
    const narrowest = await found();
    expect(narrowest).toMatchObject({ columns: 'b', index: 'ids' });
    expect(narrowest.said).toMatchObject([
      { level: 'ok', message: expect.stringContaining('ids') as string },
    ]);
    await make('ALTER TABLE docs ADD PRIMARY KEY (e, c)');
    expect(await found()).toMatchObject({ columns: 'e, c', index: 'docs_pkey' });
    expect(await found('a')).toMatchObject({ columns: 'a', index: 'words' });
  });

  it('is named in the order of its index', async () => {
    await make('CREATE UNIQUE INDEX pair ON docs (b DESC, c)');
    expect(await found('b,c')).toMatchObject({
      columns: 'b, c desc',
      index: 'pair',
      said: [{ level: 'ok' }],
    });
    const { said } = await found('c,b');
    expect(said).toMatchObject([{ level: 'error', option: 'key' }]);
    expect(said[0]?.remedy).toContain('b,c');
  });

  it('stays what it was, whatever is added, and in its order', async () => {
    await make('CREATE UNIQUE INDEX pair ON docs (b, c DESC)');
    const { backfill, settings } = await configOf();
    await saveBackfill(pool, await describeTarget(pool, backfill, settings), {});
    await make('ALTER TABLE docs ADD PRIMARY KEY (c)', 'CREATE UNIQUE INDEX aside ON docs (b, c)');
    expect(await found()).toMatchObject({ columns: 'b, c desc', index: 'pair' });
    await make('DROP INDEX pair');
    const gone = await found();
    expect(gone).toMatchObject({ columns: 'b, c desc', index: null });
    expect(gone.said).toMatchObject([{ level: 'error', check: 'key' }]);
  });

  it('of a collation with another version blocks, with what mends it', async () => {
    await make(
      `CREATE COLLATION IF NOT EXISTS public.swedish (provider = icu, locale = 'sv')`,
      'CREATE UNIQUE INDEX words ON docs (a COLLATE public.swedish)',
    );
    expect((await found()).said).toMatchObject([{ level: 'ok' }]);
    await make(`UPDATE pg_collation SET collversion = '1.2.3' WHERE collname = 'swedish'`);
    const { said } = await found();
    expect(said).toMatchObject([{ level: 'error', check: 'key' }]);
    expect(said[0]?.message).toContain('1.2.3');
    expect(said[0]?.remedy).toContain('REINDEX INDEX CONCURRENTLY');
    await make('ALTER COLLATION public.swedish REFRESH VERSION');
    expect((await found()).said).toMatchObject([{ level: 'ok' }]);
  });

  it('of several columns is told to be analysed', async () => {
    await make(
      'ALTER TABLE docs ADD PRIMARY KEY (b, c)',
      'ALTER TABLE docs SET (autovacuum_enabled = off)',
      `INSERT INTO docs SELECT 'a', md5(n::text)::uuid, n, 1, n, repeat('x', 200) FROM generate_series(1, 6000) n`,
    );
    expect((await found()).said).toMatchObject([{ level: 'warn', check: 'statistics' }, { level: 'ok' }]);
    await make('ANALYZE docs');
    expect((await found()).said).toMatchObject([{ level: 'ok' }]);
  });
});
