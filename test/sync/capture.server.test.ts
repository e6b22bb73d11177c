/** The triggers themselves: what they note, what they do not, and who may fire them. */

import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { applyCapture, missingCapture } from '../../src/sync/capture.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { databases, hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';

let database: TestDatabase;
let pool: Pool;
afterEach(async () => {
  await pool.end();
  await database.drop();
});

interface Captured {
  install: (options?: Record<string, string>) => Promise<string>;
  /** Keys noted since the last call, in order. */
  noted: () => Promise<(string | null)[]>;
  /** Statements that another `install` would run. */
  missing: (options?: Record<string, string>) => Promise<string[]>;
}

async function capture(
  create: () => Promise<TestDatabase>,
  options: Record<string, string>,
  ...setup: string[]
): Promise<Captured> {
  database = await create();
  pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
  await migrate(pool);
  for (const sql of setup) await pool.query(sql);
  const load = async (more: Record<string, string>) => {
    const env = { DATABASE_URL: database.databaseUrl, BACKFILL_TABLE: 'docs', BACKFILL_TEXT: 'body' };
    const { settings } = await loadConfig({ flags: {}, env: { ...env, ...options, ...more }, cwd: '/' });
    return { settings, target: await describeTarget(pool, 'docs', settings) };
  };
  return {
    async install(more = {}) {
      const { settings, target } = await load(more);
      await saveBackfill(pool, target, {});
      return applyCapture(pool, target, settings);
    },
    async missing(more = {}) {
      const { target } = await load(more);
      return missingCapture(pool, target, 'trigger');
    },
    async noted() {
      const found = await pool.query<{ key: string | null }>(
        'WITH gone AS (DELETE FROM pgvector_backfill.change RETURNING id, key) SELECT key FROM gone ORDER BY id',
      );
      return found.rows.map((row) => row.key);
    },
  };
}

const DOCS =
  'CREATE TABLE docs (id bigint PRIMARY KEY, body text, views int, embedding text, embedding_updated_at timestamptz)';

describe.each(databases())('change capture on $name', ({ create }) => {
  it('notes added, edited, deleted and renumbered rows, and nothing else', async () => {
    const { install, noted } = await capture(create, {}, DOCS, `INSERT INTO docs VALUES (1, 'a'), (2, 'b')`);
    expect(await install()).toBe('trigger');
    expect(await noted()).toEqual([]);
    await pool.query(`INSERT INTO docs VALUES (3, 'c'), (-4, NULL)`);
    expect(await noted()).toEqual(['3', '-4']);
    await pool.query(`UPDATE docs SET body = 'new' WHERE id = 1`);
    expect(await noted()).toEqual(['1']);
    await pool.query(`UPDATE docs SET body = NULL WHERE id = 1`);
    expect(await noted()).toEqual(['1']);
    await pool.query('UPDATE docs SET id = 20 WHERE id = 2');
    expect(await noted()).toEqual(['2', '20']);
    await pool.query('DELETE FROM docs WHERE id = 3');
    expect(await noted()).toEqual(['3']);
    // Another column; the same text again, as an ORM writes it; the columns of ours.
    await pool.query('UPDATE docs SET views = 7');
    await pool.query('UPDATE docs SET body = body, id = id');
    await pool.query(`UPDATE docs SET embedding = 'v', embedding_updated_at = now()`);
    expect(await noted()).toEqual([]);
    await pool.query('TRUNCATE docs');
    expect(await noted()).toEqual([null]);
  });

  it('is installed once, and again where text or condition change; off takes it away', async () => {
    const { install, noted, missing } = await capture(create, {}, DOCS);
    await install();
    expect(await missing()).toEqual([]);
    const events = async () =>
      (await pool.query(`SELECT kind, message FROM pgvector_backfill.event ORDER BY id`)).rows;
    const before = await events();
    await install();
    expect(await events()).toEqual(before);
    const more = { BACKFILL_TEXT: `sql:coalesce(body, '') || views`, BACKFILL_WHERE: 'views < 10' };
    expect((await missing(more)).join('\n')).toContain('UPDATE OF "id", "body", "views"');
    await install(more);
    await pool.query(`INSERT INTO docs VALUES (1, 'a', 1)`);
    await pool.query('UPDATE docs SET views = 11');
    expect(await noted()).toEqual(['1', '1']);
    expect(await install({ BACKFILL_SYNC_MODE: 'off' })).toBe('off');
    await pool.query(`UPDATE docs SET body = 'z'`);
    expect(await noted()).toEqual([]);
    const left = await pool.query(
      `SELECT proname FROM pg_proc WHERE pronamespace = 'pgvector_backfill'::regnamespace AND prorettype = 'trigger'::regtype`,
    );
    expect(left.rows).toEqual([]);
  });

  it('a text of the whole row is watched in all its columns, whatever the condition names', async () => {
    const more = { BACKFILL_TEXT: `sql:(to_jsonb(docs) - 'embedding')::text`, BACKFILL_WHERE: 'id > 0' };
    const { install, noted } = await capture(create, more, DOCS, `INSERT INTO docs VALUES (1, 'a')`);
    await install();
    await pool.query('UPDATE docs SET views = 7');
    await pool.query(`UPDATE docs SET embedding = 'v', embedding_updated_at = now()`);
    expect(await noted()).toEqual(['1']);
  });

  it.each(['smallint', 'integer', 'bigint'])('knows %s keys to the end of the type', async (type) => {
    const most = { smallint: '32767', integer: '2147483647', bigint: '9223372036854775807' }[type] ?? '';
    const { install, noted } = await capture(
      create,
      {},
      `CREATE TABLE docs (id ${type} PRIMARY KEY, body text)`,
    );
    await install();
    await pool.query(`INSERT INTO docs VALUES (${most}, 'x'), (-${most}, 'y')`);
    expect(await noted()).toEqual([most, `-${most}`]);
  });

  it('names that need quotes, in a schema that is not on the search path', async () => {
    const options = {
      BACKFILL_TABLE: `"Odd ""schema"""."sel'ect"`,
      BACKFILL_KEY: `Key "one" $1`,
      BACKFILL_TEXT: `The "Text"`,
    };
    const table = `"Odd ""schema"""."sel'ect"`;
    const { install, noted } = await capture(
      create,
      options,
      'CREATE SCHEMA "Odd ""schema"""',
      `CREATE TABLE ${table} ("Key ""one"" $1" int PRIMARY KEY, "The ""Text""" text)`,
    );
    await install();
    await pool.query(`INSERT INTO ${table} VALUES (1, 'x')`);
    await pool.query(`UPDATE ${table} SET "The ""Text""" = 'y'`);
    expect(await noted()).toEqual(['1', '1']);
  });

  it('a partitioned table: by its parent, by a partition, from one to another, and in a partition made later', async () => {
    const { install, noted } = await capture(
      create,
      {},
      'CREATE TABLE docs (id bigint PRIMARY KEY, body text) PARTITION BY RANGE (id)',
      'CREATE TABLE docs_low PARTITION OF docs FOR VALUES FROM (0) TO (100)',
      'CREATE TABLE docs_high PARTITION OF docs FOR VALUES FROM (100) TO (200)',
    );
    await install();
    await pool.query('CREATE TABLE docs_higher PARTITION OF docs FOR VALUES FROM (200) TO (300)');
    await pool.query(`INSERT INTO docs VALUES (1, 'a'), (101, 'b'), (201, 'c')`);
    expect(await noted()).toEqual(['1', '101', '201']);
    await pool.query(`UPDATE docs_low SET body = 'z'`);
    expect(await noted()).toEqual(['1']);
    await pool.query('UPDATE docs SET id = 102 WHERE id = 1');
    expect(new Set(await noted())).toEqual(new Set(['1', '102']));
    await pool.query('DELETE FROM docs_higher');
    expect(await noted()).toEqual(['201']);
  });

  it('a BEFORE trigger that sets the text from another column, and a generated column', async () => {
    const { install, noted } = await capture(
      create,
      { BACKFILL_TEXT: 'body,twice' },
      'CREATE TABLE docs (id int PRIMARY KEY, title text, body text, twice text GENERATED ALWAYS AS (title || title) STORED, views int)',
      'CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := upper(NEW.title); RETURN NEW; END $$',
      'CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION fill()',
    );
    await install();
    await pool.query(`INSERT INTO docs (id, title) VALUES (1, 'a')`);
    await pool.query(`UPDATE docs SET title = 'b'`);
    expect(await noted()).toEqual(['1', '1']);
    await pool.query('UPDATE docs SET views = 1');
    expect(await noted()).toEqual([]);
    await pool.query('DROP TRIGGER fill ON docs');
    await install();
    await pool.query(`UPDATE docs SET title = 'c'`);
    expect(await noted()).toEqual(['1']);
  });

  it('text of a type without equality, and letters that a collation does not tell apart', async () => {
    const { install, noted } = await capture(
      create,
      { BACKFILL_TEXT: 'data' },
      'CREATE TABLE docs (id int PRIMARY KEY, data json)',
    );
    await install();
    await pool.query(`INSERT INTO docs VALUES (1, '{"a":1}')`);
    await pool.query(`UPDATE docs SET data = '{"a": 1}'`);
    await pool.query(`UPDATE docs SET data = '{"a": 1}'`);
    expect(await noted()).toEqual(['1', '1']);
  });
});

describe.runIf(hasPostgres())('rights', () => {
  it('a role that may only write to the table needs none of ours, and cannot lead the function astray', async () => {
    const role = `writer_${process.pid}`;
    const { install, noted } = await capture(() => realDatabase(), {}, DOCS);
    await install();
    await pool.query(`CREATE ROLE ${role}`);
    const client = await pool.connect();
    try {
      await pool.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON docs TO ${role}`);
      await pool.query(`CREATE SCHEMA mine AUTHORIZATION ${role}`);
      await client.query(`SET ROLE ${role}`);
      // Stands in front of everything that has no schema of its own.
      await client.query('CREATE TABLE mine.change (backfill text, key text)');
      await client.query(
        `CREATE FUNCTION mine.text(bigint) RETURNS text LANGUAGE sql AS $$ SELECT 'stolen' $$`,
      );
      await client.query(`CREATE TABLE pg_temp.change (backfill text, key text)`);
      await client.query('SET search_path = mine, pg_temp, public, pg_catalog');
      await client.query(`INSERT INTO public.docs VALUES (1, 'a')`);
      await client.query(`UPDATE public.docs SET body = 'b'`);
      await client.query('DELETE FROM public.docs');
      await expect(client.query('SELECT 1 FROM pgvector_backfill.change')).rejects.toMatchObject({
        code: '42501',
      });
      await client.query('RESET ALL; RESET ROLE');
      expect(await noted()).toEqual(['1', '1', '1']);
    } finally {
      client.release();
      await pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('what logical replication applies is noted as well', async () => {
    const { install, noted } = await capture(() => realDatabase(), {}, DOCS);
    await install();
    const client = await pool.connect();
    await client.query('SET session_replication_role = replica');
    await client.query(`INSERT INTO docs VALUES (1, 'a')`);
    await client.query('RESET session_replication_role');
    client.release();
    expect(await noted()).toEqual(['1']);
  });
});
