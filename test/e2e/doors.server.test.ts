/**
 * A role that may log in and make objects in schema public, as every role could before PostgreSQL 15, against a finished run
 * of somebody who hands out by default what is made: it reads nothing of it, and nothing of its own is run.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { createDashboardApp } from '../../src/dashboard/server.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { QUEUE_ROLES, openQueue } from '../../src/queue/connection.ts';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, REPEATED_TEXTS, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { dropRole, hasPostgres, onServer, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

const PASSWORD = 'of-a-role-without-rights';

describe.runIf(hasPostgres())('a role without rights, of a finished run,', () => {
  let database: TestDatabase;
  let backfill: TestBackfill;
  let role: string;
  let stranger: pg.Client;
  const verb = async (name: string, ...args: string[]): Promise<void> => {
    const { code, stderr } = await runCommand(name, args, backfill.env);
    expect({ name, code, stderr: code === 0 ? '' : stderr }).toEqual({ name, code: 0, stderr: '' });
  };
  beforeAll(async () => {
    // Jobs are in the same database: there are most things to look at.
    database = await realDatabase(undefined, { bare: true });
    const url = new URL(database.databaseUrl);
    role = `stranger_${url.pathname.slice(1)}`;
    await onServer(
      database.databaseUrl,
      `CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'; GRANT CREATE, USAGE ON SCHEMA public TO ${role};
       ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC`,
    );
    backfill = await openBackfill(database, sampleModel(), {
      ...REPEATED_TEXTS,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '20',
      BACKFILL_LEGACY_SEARCH: `SELECT id FROM docs WHERE body ILIKE '%' || $1 || '%' LIMIT $2`,
    });
    await createDocs(backfill.pool, 60, `'bread dough and yeast ' || n`);
    await backfill.pool.query('REVOKE ALL ON docs FROM PUBLIC');
    await verb('enqueue');
    await backfill.work();
    await verb('verify');
    await verb('cutover', '--to', 'vector', '--execute');
    url.username = role;
    url.password = PASSWORD;
    stranger = new pg.Client({ connectionString: url.href });
    await stranger.connect();
  });
  afterAll(async () => {
    await stranger.end();
    await backfill.close();
    await dropRole(database.databaseUrl, role);
    await database.drop();
  });
  const refused = (sql: string): Promise<unknown> =>
    stranger.query(sql).then(
      ({ rows }) => rows,
      (error: { code?: string }) => error.code,
    );

  it('reads and writes none of our tables, sequences and views', async () => {
    const { rows } = await backfill.pool.query<{ name: string; kind: string }>(
      `SELECT c.oid::regclass::text AS name, c.relkind::text AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('pgvector_backfill', 'bullmq') AND c.relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY 1`,
    );
    expect(rows.length).toBeGreaterThan(15);
    expect(rows.map(({ name }) => name)).toContainEqual(expect.stringMatching(/stage/));
    for (const { name, kind } of rows) {
      expect([name, await refused(`SELECT * FROM ${name} LIMIT 1`)]).toEqual([name, '42501']);
      if (kind === 'r') {
        expect([name, await refused(`DELETE FROM ${name}`)]).toEqual([name, '42501']);
        expect([name, await refused(`TRUNCATE ${name}`)]).toEqual([name, '42501']);
      }
    }
    // Not by the schema's lock alone: nobody is granted what lies behind it.
    const granted = await backfill.pool.query<{ name: string }>(
      `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
        WHERE n.nspname = 'pgvector_backfill' AND a.grantee <> c.relowner`,
    );
    expect(granted.rows).toEqual([]);
    expect(await refused('SELECT * FROM docs')).toBe('42501');
  });

  it('gets nothing by our functions, of which none runs with the rights of another', async () => {
    const vector = `(SELECT array_agg(0.1) FROM generate_series(1, ${(await backfill.target()).dimensions ?? 0}))`;
    expect(await refused(`SELECT * FROM public.search_docs(${vector}::real[]::vector, 5)`)).toBe('42501');
    const { rows } = await backfill.pool.query<{ name: string }>(
      `SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.prosecdef AND has_function_privilege($1, p.oid, 'EXECUTE')
          AND (n.nspname IN ('pgvector_backfill', 'bullmq') OR n.nspname = 'public' AND p.proowner <> 10)`,
      [role],
    );
    expect(rows).toEqual([]);
  });

  it('puts nothing under names of ours, and sees no statement of ours', async () => {
    expect(await refused('CREATE TABLE pgvector_backfill.mine ()')).toBe('42501');
    expect(await refused('CREATE TABLE bullmq.mine ()')).toBe('42501');
    expect(
      await refused(
        'CREATE OR REPLACE FUNCTION public.search_docs(vector, integer) RETURNS SETOF docs LANGUAGE sql AS $$SELECT * FROM docs$$',
      ),
    ).toMatch(/^42/);
    expect(
      await refused(
        'CREATE TRIGGER mine BEFORE UPDATE ON docs EXECUTE FUNCTION suppress_redundant_updates_trigger()',
      ),
    ).toBe('42501');
    const seen = await stranger.query<{ query: string }>(
      'SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    expect(seen.rows.length).toBeGreaterThan(0);
    for (const { query } of seen.rows) expect(query).toBe('<insufficient privilege>');
  });

  it('finds no text on a dashboard without credentials', async () => {
    const { pool, config } = backfill;
    const address = {
      url: database.queueUrl,
      backfill: config.backfill,
      installation: role,
      logger: silentLogger,
    };
    const [embed, finalize, sync] = QUEUE_ROLES.map((each) => openQueue(address, each));
    const { app, close } = createDashboardApp({
      pool,
      backfill: config.backfill,
      settings: config.settings,
      queues: { embed: embed?.queue, finalize: finalize?.queue, sync: sync?.queue },
    } as never);
    for (const path of [
      '/search?q=bread',
      '/search?q=%25b%25&k=1',
      '/judge',
      '/',
      '/api/status',
      '/queues/api/queues',
    ])
      expect([path, await (await app.request(path)).text()]).toEqual([
        path,
        expect.not.stringMatching(/dough|yeast/),
      ]);
    await close();
    await Promise.all([embed?.close(), finalize?.close(), sync?.close()]);
  });
});
