/** What stands under the table's name and is no table of the operator's: refused, with what to name in its place. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkTable } from '../../src/planning/checks/legacy-table.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';

describe.runIf(hasPostgres())('no table of the operator’s', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger, pinned: true });
    await pool.query(`CREATE TABLE public.docs (id bigserial PRIMARY KEY, body text);
      CREATE TABLE public.notes (doc bigint REFERENCES public.docs, note text);
      CREATE VIEW public.noted AS SELECT d.id, n.note FROM public.docs d JOIN public.notes n ON n.doc = d.id;
      CREATE VIEW public.over_a_view AS SELECT id, note AS body FROM public.noted;
      CREATE MATERIALIZED VIEW public.kept AS SELECT id, body FROM public.docs;
      CREATE TYPE public.pair AS (id bigint, body text);
      CREATE TABLE public.parted (id bigint, body text, year int, PRIMARY KEY (id, year)) PARTITION BY LIST (year);
      CREATE TABLE public.parted_1999 PARTITION OF public.parted FOR VALUES IN (1999);
      CREATE FOREIGN DATA WRAPPER nobodys; CREATE SERVER films FOREIGN DATA WRAPPER nobodys;
      CREATE FOREIGN TABLE public.films (id bigint, body text) SERVER films OPTIONS (schema_name 'archive', table_name 'film');
      CREATE TABLE public.of_vector (id bigint PRIMARY KEY, body text);
      ALTER EXTENSION vector ADD TABLE public.of_vector`);
  });
  afterAll(() => pool.end());

  const findings = async (table: string): Promise<Finding[]> => {
    const { settings } = await loadConfig({
      flags: { table, text: 'body' },
      env: { DATABASE_URL: database.databaseUrl },
      cwd: '/',
    });
    return (await checkTable(pool, settings)).findings.filter(({ level }) => level === 'error');
  };

  it.each([
    [
      'public.noted',
      'is a view',
      /Name the table that it reads by table \(.*\): public\.docs, public\.notes\./,
    ],
    ['public.over_a_view', 'is a view', /: public\.docs, public\.notes\./],
    ['public.kept', 'is a materialized view', /: public\.docs; or make it a table/],
    ['public.films', 'is a foreign table: its rows are on server films', /\(there archive\.film\)/],
    ['docs_id_seq', 'public.docs_id_seq is a sequence', /that it numbers by table \(.*\): public\.docs\./],
    ['public.docs_pkey', 'is an index', /its table by table \(.*\): public\.docs\./],
    ['public.pair', 'is a type', /Name a table/],
    ['pg_catalog.pg_class', 'is of PostgreSQL itself', /CREATE TABLE … AS SELECT/],
    ['information_schema.tables', 'is of PostgreSQL itself', /CREATE TABLE … AS SELECT/],
    ['pgvector_backfill.event', 'is one of our own tables', /the table that is searched/],
    ['public.of_vector', 'is of the extension vector', /into a table of your own/],
    ['pg_temp.mine', 'does not exist', /workers have sessions of their own/],
    [
      'public.parted_1999',
      'is a partition of public.parted',
      /Name the whole table by table \(.*\): public\.parted\./,
    ],
  ])('%s', async (table, what, remedy) => {
    const [finding, ...more] = await findings(table);
    expect(more).toEqual([]);
    expect(finding?.message).toContain(what);
    expect(finding?.remedy).toMatch(remedy);
  });

  it('a temporary table of another session', async () => {
    const session = await pool.connect();
    await session.query('CREATE TEMP TABLE mine (id bigint PRIMARY KEY, body text)');
    const { rows } = await session.query<{ name: string }>(
      `SELECT pg_my_temp_schema()::regnamespace::text || '.mine' AS name`,
    );
    expect(await findings(rows[0]?.name ?? '')).toMatchObject([
      {
        check: 'table',
        option: 'table',
        message: expect.stringContaining(
          'is a temporary table, which its own session alone can read',
        ) as string,
      },
    ]);
    await session.query('DROP TABLE mine');
    session.release();
  });
});
