/** A subscriber of everything has no ledger and no staging table, and stops at their first row. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { checkOwnPublications } from '../../../src/planning/checks/publications.ts';
import { databases, type TestDatabase } from '../../setup/databases.ts';

describe.each(databases())('publications on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create({ bare: true });
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });
  const found = (): ReturnType<typeof checkOwnPublications> =>
    checkOwnPublications(pool, { schema: 'public' });

  it('that would take our tables along are told, with what to type instead', async () => {
    expect(await found()).toEqual([]);
    await pool.query('CREATE PUBLICATION of_docs FOR TABLE docs');
    expect(await found()).toEqual([]);
    await pool.query('CREATE PUBLICATION everything FOR ALL TABLES');
    const [first] = await found();
    expect(first).toMatchObject({ level: 'warn', check: 'published-ours' });
    expect(first?.message).toContain(
      'everything (all tables) publishes the staging table and the ledger too',
    );
    await migrate(pool);
    // What is to be pasted makes a publication of the table alone.
    const [, select = ''] = /in psql: (SELECT .+?) \\gexec/.exec((await found())[0]?.remedy ?? '') ?? [];
    const made = await pool.query<{ format: string }>(select);
    await pool.query(made.rows[0]?.format ?? '');
    await pool.query('DROP PUBLICATION everything');
    expect(await found()).toEqual([]);
    const published = await pool.query(
      `SELECT tablename AS name FROM pg_publication_tables WHERE pubname = 'everything_tables'`,
    );
    expect(published.rows).toEqual([{ name: 'docs' }]);
  });

  it('refuse no statement of ours for want of a primary key', async () => {
    await migrate(pool);
    const without = await pool.query(
      `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'pgvector_backfill'::regnamespace AND c.relkind = 'r'
          AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)`,
    );
    expect(without.rows).toEqual([]);
  });
});
