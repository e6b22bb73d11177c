/** Text columns under collations of their own: what has no order or no regular expression in common is embedded all the same. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { legacySearch } from '../../src/search/queries/legacy-query.ts';
import { textSearch } from '../../src/search/queries/text-query.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';

describe.runIf(hasPostgres())('collations', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query(
      `CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
    );
    await migrate(pool);
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it.each([
    ['a nondeterministic one', 'title text COLLATE ci, body text COLLATE ci', 'title,body'],
    ['several', 'title text COLLATE "C", body text COLLATE "de-x-icu"', 'title,body'],
    [
      'an expression over several',
      'title text COLLATE ci, body text COLLATE "C"',
      `sql:title || ' ' || body`,
    ],
  ])('%s', async (_name, columns, text) => {
    await pool.query(`CREATE TABLE people (id bigint PRIMARY KEY, ${columns})`);
    await pool.query(`INSERT INTO people VALUES (1, 'Flat tyre', 'change the tube'), (2, ' ', '')`);
    const config = await loadConfig({
      flags: { table: 'people', text },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
    expect(await complaints(pool, config)).toEqual([]);
    const result = await runAll(pool, config, hashEmbedder());
    expect(await result.account()).toMatchObject({ embedded: 1, skipped: 1 });
    await pool.query(`UPDATE people SET title = 'FLAT TYRE' WHERE id = 1`);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ embedded: 1, skipped: 1 });
    const { target } = result.context;
    const found = await legacySearch(pool, target, config.settings, 'flat tyre', 5, { filter: null });
    expect(found.keys).toEqual(['1']);
    expect(await textSearch(pool, target, config.settings, 'flat tyre', 5)).toEqual(['1']);
  });
});
