/** SQL in every string of the configuration: refused or quoted, and nothing but what was meant is touched. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { quoteName } from '../../src/db/identifiers.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { BackfillError } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { legacySearch } from '../../src/search/queries/legacy-query.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { dropStages } from '../setup/stages.ts';
import { createDocs } from '../setup/docs-table.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';

/** What would take the canary along, or rows outside of a range, wherever it is put. */
const ATTACKS = [
  '; DROP TABLE canary',
  'true); DROP TABLE canary; --',
  'true) OR (true',
  'true) UNION (SELECT 1',
  'true)) OR ((true',
  'true; DELETE FROM canary',
  'true -- ',
  'true /*',
  '/* */ true); TRUNCATE canary; SELECT (true',
  `'; DROP TABLE canary; --`,
  '"; DROP TABLE canary; --',
  '"id"; DROP TABLE canary; --',
  'id) FROM docs; DROP TABLE canary; --',
  '$1',
  `\\'; DROP TABLE canary; --`,
  'canary',
  'public.canary',
  'body FROM docs) x; DROP TABLE canary; --',
];
/** The operator's own SQL may be of any kind; what only looks at it runs none of it. */
const WRITES = [`setval('counter', 99) > 0`, 'lo_create(4711) > 0'];

describe.runIf(hasPostgres())('SQL in the configuration', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    await pool.query(
      'CREATE TABLE canary AS SELECT n AS id, md5(n::text) AS body FROM generate_series(1, 5) n',
    );
    await pool.query('CREATE SEQUENCE counter');
    await createDocs(pool, 5, `'text ' || n`);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const configOf = (flags: Record<string, string>, backfill?: string): Promise<Config> =>
    loadConfig({
      flags: { table: 'docs', text: 'body', 'batch-rows': '2', ...flags },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
      backfill,
    });
  const world = async (): Promise<unknown> =>
    (
      await pool.query(
        `SELECT (SELECT string_agg(id || body, ',' ORDER BY id) FROM canary) AS canary, (SELECT is_called FROM counter) AS counted,
                (SELECT count(*) FROM pg_largeobject_metadata) AS objects, (SELECT string_agg(body, ',' ORDER BY id) FROM docs) AS docs,
                (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace) AS relations`,
      )
    ).rows[0];

  /** Refused by configuration or doctor, with the reason; null where doctor would let it pass. */
  async function refusal(flags: Record<string, string>, backfill?: string): Promise<string | null> {
    try {
      const found = await complaints(pool, await configOf(flags, backfill));
      return found.length === 0 ? null : found.join('; ');
    } catch (error) {
      if (error instanceof BackfillError) return error.message;
      throw error;
    }
  }

  it.each(['key', 'text', 'where', 'backfill'])(
    'in %s: refused, and doctor changes nothing',
    async (option) => {
      const before = await world();
      for (const attack of ATTACKS) {
        // A backfill may well be called like a table.
        if (option === 'backfill' && /^[\w.]+$/.test(attack)) continue;
        const why = option === 'backfill' ? await refusal({}, attack) : await refusal({ [option]: attack });
        expect([attack, why]).toEqual([attack, expect.any(String)]);
        expect(await world()).toEqual(before);
      }
    },
  );

  it.each(['table', 'column', 'updated-at-column'])(
    'in %s: taken as a name, and doctor changes nothing',
    async (option) => {
      const before = await world();
      for (const attack of ATTACKS) {
        const why = await refusal({ [option]: attack });
        if (option === 'table' && !attack.endsWith('canary'))
          expect([attack, why]).toEqual([attack, expect.any(String)]);
        expect(await world()).toEqual(before);
      }
    },
  );

  it('in a text expression and in filters: the operator may write SQL, but one expression that only reads', async () => {
    const before = await world();
    for (const attack of ATTACKS.filter((each) => !each.includes('canary') || each.includes(';'))) {
      expect([attack, await refusal({ text: `sql:${attack}` })]).toEqual([attack, expect.any(String)]);
      const filter = JSON.stringify([{ name: 'odd', where: attack }]);
      expect([attack, await refusal({ 'search-filters': filter })]).toEqual([attack, expect.any(String)]);
      expect(await world()).toEqual(before);
    }
    for (const sql of WRITES) {
      await refusal({ where: sql });
      await refusal({ text: `sql:(${sql})::text` });
      expect(await world()).toEqual(before);
    }
    for (const fine of [
      `coalesce(body, ')')`,
      '(SELECT max(body) FROM canary)',
      `SELECT max(body) FROM canary`,
      `body || ' -- '`,
    ])
      expect([fine, await refusal({ text: `sql:${fine}` })]).toEqual([fine, null]);
    for (const fine of [`body <> '('`, 'id > 1 OR id < 5', `EXISTS (SELECT 1 FROM canary)`, `SELECT true`])
      expect([fine, await refusal({ where: fine })]).toEqual([fine, null]);
    const filter = JSON.stringify([{ name: 'fine', where: 'body = $1 OR id = $2', values: ['x', 3] }]);
    expect(await refusal({ 'search-filters': filter })).toBeNull();
  });

  it('in the legacy search: it reads and nothing else', async () => {
    const before = await world();
    for (const sql of [
      'DELETE FROM canary RETURNING id, $1, $2',
      `SELECT setval('counter', 99), $1, $2`,
      'SELECT id, $1::text, $2::int FROM docs; DROP TABLE canary',
      'COMMIT',
    ]) {
      const config = await configOf({ 'legacy-search': sql });
      const target = await describeTarget(pool, config.backfill, config.settings);
      await expect(legacySearch(pool, target, config.settings, 'x', 5)).rejects.toMatchObject({
        code: 'LEGACY_SEARCH_FAILED',
      });
      expect(await world()).toEqual(before);
    }
  });
  it('columns of such names: quoted all the way', async () => {
    const before = await world();
    const name = fc.constantFrom(...ATTACKS.filter((each) => Buffer.byteLength(each) <= 63));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { minLength: 4, maxLength: 4 }),
        fc.string({ unit: 'grapheme' }),
        async (names, text) => {
          const [key = '', body = '', column = '', updated = ''] = names;
          await pool.query(
            `CREATE TABLE named (${quoteName(key)} smallint PRIMARY KEY, ${quoteName(body)} text)`,
          );
          try {
            await pool.query('INSERT INTO named VALUES (1, $1), (2, $2)', [
              text.replaceAll('\0', ''),
              'DROP TABLE canary',
            ]);
            const config = await configOf({
              table: 'named',
              key,
              column,
              'updated-at-column': updated,
              text: `sql:${quoteName(body)}`,
            });
            expect(await complaints(pool, config)).toEqual([]);
            const result = await runAll(pool, config, hashEmbedder());
            expect(await result.account()).toMatchObject({ eligible: 2, missing: 0, stale: 0 });
          } finally {
            await pool.query('DROP TABLE named');
            await dropStages(pool);
            await pool.query('DELETE FROM pgvector_backfill.run');
            await pool.query('DELETE FROM pgvector_backfill.backfill');
          }
          expect(await world()).toEqual(before);
        },
      ),
      { numRuns: 12 },
    );
  });

  it.each([`''`, 'pg_catalog', 'hostile,public'])('a search path of %s', async (path) => {
    // A table and a function of the same names stand in front of those that are meant.
    await pool.query('CREATE SCHEMA hostile');
    await pool.query('CREATE TABLE hostile.docs AS SELECT * FROM public.docs');
    await pool.query(
      `CREATE FUNCTION hostile.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT 'x'::bytea $$`,
    );
    const url = new URL(database.databaseUrl);
    url.searchParams.set('options', `-c search_path=${path}`);
    const elsewhere = createPool(url.href, { name: 'test', max: 2, logger: silentLogger });
    try {
      const shown = await elsewhere.query<{ search_path: string }>('SHOW search_path');
      expect(shown.rows[0]?.search_path.replaceAll('"', "'")).toBe(path);
      const config = await configOf({ table: 'public.docs' });
      expect(await complaints(elsewhere, config)).toEqual([]);
      const result = await runAll(elsewhere, config, hashEmbedder());
      expect(await result.account()).toMatchObject({ eligible: 5, embedded: 5 });
      const columns = await pool.query(
        `SELECT 1 FROM pg_attribute WHERE attrelid = 'hostile.docs'::regclass AND attnum > 0`,
      );
      expect(columns.rowCount).toBe(2);
      const stages = await pool.query(
        `SELECT relnamespace::regnamespace::text AS schema FROM pg_class WHERE relname = 'docs_embedding_stage'`,
      );
      expect(stages.rows).toEqual([{ schema: 'pgvector_backfill' }]);
      await elsewhere.query(`UPDATE public.docs SET body = 'edited' WHERE id = 2`);
      expect(await result.sync()).toBe(0);
      expect(await result.account()).toMatchObject({ eligible: 5, embedded: 5 });
    } finally {
      await elsewhere.end();
      await pool.query('DROP SCHEMA hostile CASCADE');
      await pool.query('DROP TABLE public.docs, pgvector_backfill.docs_embedding_stage');
      await pool.query('DELETE FROM pgvector_backfill.run');
      await pool.query('DELETE FROM pgvector_backfill.backfill');
      await createDocs(pool, 5, `'text ' || n`);
    }
  });
});
