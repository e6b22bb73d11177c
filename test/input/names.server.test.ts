/** Names as hostile as PostgreSQL takes them: A whole run on such tables, and nothing else is touched. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { derivedName, quoteName, quoteQualified } from '../../src/db/identifiers.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { dropStages } from '../setup/stages.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';

const bytes = (name: string): number => Buffer.byteLength(name);
/** No half of a character. */
const isWhole = (name: string): boolean => Buffer.from(name).toString() === name;
/** The longest beginning that PostgreSQL keeps whole. */
const fit = (name: string): string => {
  let kept = '';
  for (const character of name) {
    if (bytes(kept + character) > 63) break;
    kept += character;
  }
  return kept;
};

/** Words of SQL, the aliases of our own statements, and names of 63 bytes in characters of one to four bytes. */
const ODD_NAMES = [
  'select',
  'user',
  'order',
  'Group',
  ' leading and trailing ',
  '"',
  `'; DROP TABLE canary; --`,
  '"); DROP TABLE canary; --',
  '$1',
  '%s',
  '\\',
  'a.b',
  'new\nline',
  'Größe',
  'ÄPFEL',
  'e\u0301',
  '\u202Ertl',
  '表',
  '🙂',
  's',
  'q',
  'l',
  'k',
  'n',
  'c',
  'f',
  'staged',
  'gone',
  'rows',
  'part',
  'page',
  'text',
  'hash',
  'state',
  'key',
  'vector',
  'judged',
  'sampled',
  'a'.repeat(63),
  fit('ä'.repeat(40)),
  fit('表'.repeat(30)),
  fit('🙂'.repeat(20)),
  `${'a'.repeat(47)}_embedding_stage`,
  `${'a'.repeat(43)}_embedding_hnsw_idx`,
];
const oddName = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ODD_NAMES) },
  {
    weight: 2,
    arbitrary: fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 70 })
      .map((name) => fit(name.replaceAll('\0', '')))
      .filter((name) => name !== '' && isWhole(name)),
  },
);

it('derived names fit, differ from their table, and from those of every other table', () => {
  const long = fc
    .tuple(fc.constantFrom('a'.repeat(50), 'ä'.repeat(25), '🙂'.repeat(12)), oddName)
    .map(([front, name]) => fit(front + name));
  const endings = ['_embedding_stage', '_embedding_hnsw_idx', '_embedding_ivfflat_idx'];
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(oddName, long), { minLength: 2, maxLength: 6 }), (names) => {
      const derived = names.flatMap((name) => endings.map((ending) => derivedName(name, ending)));
      expect(new Set(derived).size).toBe(derived.length);
      for (const name of derived) {
        expect(bytes(name)).toBeLessThanOrEqual(63);
        expect(isWhole(name)).toBe(true);
        expect(names.filter((each) => bytes(each) > 47)).not.toContain(name);
      }
    }),
  );
});

describe.runIf(hasPostgres())('odd names on PostgreSQL', () => {
  let database: TestDatabase;
  let pool: Pool;
  let nth = 0;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    await pool.query(
      'CREATE TABLE canary AS SELECT n AS id, md5(n::text) AS body FROM generate_series(1, 5) n',
    );
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const configOf = (flags: Record<string, string>): Promise<Config> =>
    loadConfig({
      flags: { 'batch-rows': '2', ...flags },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
      backfill: `fuzz-${++nth}`,
    });

  /** Every relation, column, function, trigger and rule outside of the ledger, and what the canary holds. */
  async function everything(): Promise<string[]> {
    const found = await pool.query<{ thing: string }>(
      `SELECT 'relation ' || n.nspname || '.' || c.relname || ' ' || c.relkind::text AS thing FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname !~ '^(pg_|information_schema|pgvector_backfill)'
       UNION ALL SELECT 'column ' || a.attrelid::regclass || ' ' || a.attname || ' ' || a.atttypid::regtype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname !~ '^(pg_|information_schema|pgvector_backfill)' AND c.relkind = 'r' AND a.attnum > 0
       UNION ALL SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname FROM pg_trigger
       UNION ALL SELECT 'rule ' || ev_class::regclass || ' ' || rulename FROM pg_rewrite WHERE ev_class::regclass::text !~ '^(pg_|information_schema)'
       UNION ALL SELECT 'function ' || p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname !~ '^(pg_|information_schema)' AND p.probin IS NULL
       UNION ALL SELECT 'canary ' || id || body FROM canary`,
    );
    return found.rows.map(({ thing }) => thing);
  }

  it('a whole run, with only what it is meant to add', async () => {
    const columns = fc.uniqueArray(oddName, { minLength: 5, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(oddName, oddName, columns, async (schema, name, names) => {
        const [key = '', body = '', other = '', column = '', updated = ''] = names;
        // Names of columns that PostgreSQL has itself, and of the staging table's own: refused, see below.
        fc.pre(!['embedding', 'text_hash', 'batch', 'staged_at', 'truncated', 'ctid'].includes(key));
        // On the command line a comma parts two columns of a key; in a file it does not.
        fc.pre(!key.includes(','));
        const table = quoteQualified({ schema, name });
        await pool.query(`DROP SCHEMA IF EXISTS ${quoteName(schema)} CASCADE`);
        await pool.query(`CREATE SCHEMA ${quoteName(schema)}`);
        try {
          await pool.query(
            `CREATE TABLE ${table} (${quoteName(key)} integer PRIMARY KEY, ${quoteName(body)} text, ${quoteName(other)} text)`,
          );
          await pool.query(
            `INSERT INTO ${table} VALUES (1, 'one', NULL), (2, '', ' '), (3, '?!', NULL), (4, 'four', 'more'), (5, NULL, 'only')`,
          );
          const config = await configOf({
            table,
            key,
            text: `sql:concat_ws(' ', ${quoteName(body)}, ${quoteName(name)}.${quoteName(other)})`,
            column,
            'updated-at-column': updated,
            where: `${quoteName(key)} > 0`,
          });
          const before = new Set(await everything());
          expect(await complaints(pool, config)).toEqual([]);
          const result = await runAll(pool, config, hashEmbedder());
          expect(await result.account()).toMatchObject({
            eligible: 5,
            embedded: 3,
            skipped: 1,
            quarantined: 1,
            missing: 0,
            stale: 0,
          });
          expect(result.index).toEqual({ kind: 'valid' });
          const { target } = result.context;
          const after = await everything();
          const added = after.filter((thing) => !before.has(thing));
          const count = (kind: string): number =>
            added.filter((thing) => thing.startsWith(`${kind} `)).length;
          // Two columns, the index, triggers and their function; the staging table is in the schema of the ledger.
          expect([count('relation'), count('column'), count('trigger'), count('function')]).toEqual([
            1, 2, 3, 1,
          ]);
          expect(added.length).toBe(7);
          expect([...before].filter((thing) => !after.includes(thing))).toEqual([]);
          expect(bytes(target.stageName)).toBeLessThanOrEqual(63);
          // Sync: an edit, an emptied row, a deletion.
          await pool.query(
            `UPDATE ${table} SET ${quoteName(body)} = 'edited' WHERE ${quoteName(key)} IN (1, 2)`,
          );
          await pool.query(`DELETE FROM ${table} WHERE ${quoteName(key)} IN (3, 4)`);
          expect(await result.sync()).toBe(0);
          expect(await result.account()).toMatchObject({ eligible: 3, embedded: 3, missing: 0, stale: 0 });
          const staged = await pool.query(`SELECT 1 FROM ${target.stage}`);
          expect(staged.rowCount).toBe(3);
          const set = await pool.query('SELECT 1 FROM pgvector_backfill.quarantine WHERE backfill = $1', [
            config.backfill,
          ]);
          expect(set.rowCount).toBe(0);
        } finally {
          await pool.query(`DROP SCHEMA ${quoteName(schema)} CASCADE`);
          await dropStages(pool);
          await pool.query('DELETE FROM pgvector_backfill.run');
          await pool.query('DELETE FROM pgvector_backfill.backfill');
        }
      }),
      { numRuns: 25 },
    );
  });
});
