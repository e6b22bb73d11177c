/** Titles beside the keys of both searches, whatever the type of the key, and whatever the search in use today gives as one. */

import { afterEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { compareSearches } from '../../src/search/compare.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';
import { wordEmbedder } from './served-table.ts';

let database: TestDatabase;
let pool: Pool;
afterEach(async () => {
  await pool.end();
  await database.drop();
});

describe.each(databases())('titles on $name', ({ create }) => {
  it.each([
    ['uuid', '6f1c3f6e-0000-4000-8000-00000000beef', 'not-a-uuid'],
    ['bigint', '-9223372036854775808', '9223372036854775808'],
    ['smallint', '32767', '32768'],
  ])('are those of keys of type %s, and none of what is no key', async (type, key, other) => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query(`CREATE EXTENSION IF NOT EXISTS vector`);
    await migrate(pool);
    await pool.query(`CREATE TABLE docs (id ${type} PRIMARY KEY, body text, embedding vector(3))`);
    await pool.query(`INSERT INTO docs VALUES ($1, E'first line\\nsecond', '[1,0,0]')`, [key]);
    const settings = await makeSettings({
      table: 'docs',
      text: 'body',
      'legacy-search': `SELECT k FROM (VALUES ('${key}'), ('${other}')) v(k) WHERE $1 <> '' LIMIT $2`,
    });
    const target = await describeTarget(pool, 'docs', settings);
    const found = await compareSearches({ pool, target, settings, embedder: wordEmbedder() }, 'bread', 5);
    expect(found.vector).toMatchObject([{ key, title: 'first line' }]);
    expect(found.legacy).toMatchObject([
      { key, title: 'first line' },
      { key: other, title: '' },
    ]);
  });
});
