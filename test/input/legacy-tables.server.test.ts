/** Tables as they have grown: what doctor says of them, and a run on those that it lets pass. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { diagnose } from '../../src/planning/doctor.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

describe.runIf(hasPostgres())('tables as they have grown', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector SCHEMA public');
    await migrate(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    await pool.query('DROP SCHEMA IF EXISTS legacy CASCADE');
    await pool.query('CREATE SCHEMA legacy');
    await pool.query('DROP TABLE IF EXISTS pgvector_backfill.docs_embedding_stage');
    await pool.query('DELETE FROM pgvector_backfill.run');
    await pool.query('DELETE FROM pgvector_backfill.backfill');
  });

  const make = async (...statements: string[]): Promise<void> => {
    for (const sql of statements) await pool.query(sql);
  };
  const table = (columns = ''): string =>
    `CREATE TABLE legacy.docs (id bigint PRIMARY KEY, body text, edited_at timestamptz${columns})`;
  const rows = `INSERT INTO legacy.docs (id, body) SELECT n, 'text ' || n FROM generate_series(1, 10) n`;
  const configOf = (flags: Record<string, string> = {}, url = database.databaseUrl): Promise<Config> =>
    loadConfig({
      flags: { table: 'legacy.docs', text: 'body', 'batch-rows': '4', ...flags },
      env: { DATABASE_URL: url, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
  async function findings(flags: Record<string, string> = {}): Promise<Finding[]> {
    const { backfill, settings } = await configOf(flags);
    const openEmbedder = (): Promise<ReturnType<typeof hashEmbedder>> => Promise.resolve(hashEmbedder());
    return (await diagnose({ pool, backfill, settings, openEmbedder, withQueue: false })).findings;
  }
  const of = (check: string, all: readonly Finding[]): Finding[] =>
    all.filter((each) => each.check === check);
  const blocking = (all: readonly Finding[]): string[] =>
    all.filter(({ level }) => level === 'error').map(({ check }) => check);
  async function wholeRoad(flags: Record<string, string> = {}): Promise<Awaited<ReturnType<typeof runAll>>> {
    expect(blocking(await findings(flags))).toEqual([]);
    const result = await runAll(pool, await configOf(flags), hashEmbedder());
    const { eligible, embedded, skipped, quarantined } = await result.account();
    expect(embedded + skipped + quarantined).toBe(eligible);
    return result;
  }

  const TOUCH = `CREATE FUNCTION legacy.touch() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN NEW.edited_at := now(); RETURN NEW; END $f$`;
  const COUNT = `CREATE FUNCTION legacy.count_one() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO legacy.audit VALUES (TG_NAME); RETURN NULL; END $f$`;

  it('triggers: which will fire and which will not, and that is what happens', async () => {
    await make(
      table(),
      rows,
      TOUCH,
      'CREATE TABLE legacy.audit (trigger text)',
      COUNT,
      'CREATE TRIGGER touched BEFORE UPDATE ON legacy.docs FOR EACH ROW EXECUTE FUNCTION legacy.touch()',
      'CREATE TRIGGER any_change AFTER UPDATE ON legacy.docs FOR EACH ROW EXECUTE FUNCTION legacy.count_one()',
      'CREATE TRIGGER by_statement AFTER INSERT OR UPDATE ON legacy.docs FOR EACH STATEMENT EXECUTE FUNCTION legacy.count_one()',
      `CREATE TRIGGER when_long AFTER UPDATE ON legacy.docs FOR EACH ROW WHEN (length(NEW.body) > 1000) EXECUTE FUNCTION legacy.count_one()`,
      'CREATE TRIGGER of_body AFTER UPDATE OF body ON legacy.docs FOR EACH ROW EXECUTE FUNCTION legacy.count_one()',
      'CREATE TRIGGER off AFTER UPDATE ON legacy.docs FOR EACH ROW EXECUTE FUNCTION legacy.count_one()',
      'ALTER TABLE legacy.docs DISABLE TRIGGER off',
      'CREATE TRIGGER of_replicas AFTER UPDATE ON legacy.docs FOR EACH ROW EXECUTE FUNCTION legacy.count_one()',
      'ALTER TABLE legacy.docs ENABLE REPLICA TRIGGER of_replicas',
      'CREATE TRIGGER of_inserts AFTER INSERT ON legacy.docs FOR EACH ROW EXECUTE FUNCTION legacy.count_one()',
    );
    const found = await findings();
    expect(of('triggers', found)).toMatchObject([
      { level: 'warn', remedy: expect.stringContaining('UPDATE OF') as string },
    ]);
    expect(of('triggers', found)[0]?.message).toBe(
      'The update of each row will fire any_change (AFTER, each row, legacy.count_one), by_statement (AFTER, each statement, legacy.count_one), touched (BEFORE, each row, legacy.touch), when_long (AFTER, each row, where its WHEN holds, legacy.count_one).',
    );
    expect(of('triggers-quiet', found)).toMatchObject([
      { level: 'ok', message: 'not fired, as they are about other columns: of_body' },
    ]);
    await wholeRoad();
    const fired = await pool.query('SELECT DISTINCT trigger FROM legacy.audit ORDER BY 1');
    expect(fired.rows).toEqual([{ trigger: 'any_change' }, { trigger: 'by_statement' }]);
    const touched = await pool.query(
      'SELECT count(*)::int AS n FROM legacy.docs WHERE edited_at IS NOT NULL',
    );
    expect(touched.rows).toEqual([{ n: 10 }]);
    // Of a column of ours, once that is there.
    await make(
      'CREATE TRIGGER of_vector AFTER UPDATE OF embedding, body ON legacy.docs FOR EACH ROW EXECUTE FUNCTION legacy.count_one()',
    );
    expect(of('triggers', await findings())[0]?.message).toContain('of_vector');
  });

  it('no trigger of its own: nothing is said; those of change capture are ours', async () => {
    await make(table(), rows);
    await wholeRoad();
    const found = await findings();
    expect([...of('triggers', found), ...of('triggers-quiet', found)]).toEqual([]);
  });

  it.each(['STORED', 'VIRTUAL'])(
    'a text column that is generated (%s), edits by its base column included',
    async (kind) => {
      const version = await pool.query<{ n: number }>(
        `SELECT current_setting('server_version_num')::int AS n`,
      );
      // Virtual columns came with PostgreSQL 18; before it the other kind is looked at once more.
      const made = (version.rows[0]?.n ?? 0) >= 180_000 ? kind : 'STORED';
      await make(table(`, shown text GENERATED ALWAYS AS (upper(body)) ${made}`), rows);
      const result = await wholeRoad({ text: 'shown' });
      expect(await result.account()).toMatchObject({ embedded: 10 });
      await pool.query(`UPDATE legacy.docs SET body = 'edited' WHERE id = 3`);
      await pool.query('UPDATE legacy.docs SET edited_at = now()');
      const captured = await pool.query('SELECT key FROM pgvector_backfill.change');
      expect(captured.rows).toEqual([{ key: '3' }]);
      expect(await result.sync()).toBe(0);
      expect(await result.account()).toMatchObject({ embedded: 10, stale: 0 });
    },
  );

  it('foreign keys to it and from it, a partial unique index beside the key', async () => {
    await make(
      table(', parent bigint REFERENCES legacy.docs'),
      rows,
      'CREATE TABLE legacy.notes (doc bigint REFERENCES legacy.docs ON UPDATE CASCADE ON DELETE CASCADE)',
      'INSERT INTO legacy.notes SELECT id FROM legacy.docs',
      'CREATE UNIQUE INDEX ON legacy.docs (body) WHERE edited_at IS NULL',
    );
    expect(await (await wholeRoad()).account()).toMatchObject({ embedded: 10 });
  });

  it.each([
    ['a partial unique index', 'CREATE UNIQUE INDEX ON legacy.docs (code) WHERE code > 0'],
    ['an index over two columns', 'CREATE UNIQUE INDEX ON legacy.docs (code, id)'],
    ['an expression', 'CREATE UNIQUE INDEX ON legacy.docs ((code + 0))'],
  ])('%s does not make a key', async (_, sql) => {
    await make(table(', code bigint NOT NULL DEFAULT 0'), sql);
    expect(blocking(await findings({ key: 'code' }))).toEqual(['key']);
  });

  it.each([
    ['money', 'its text is another one in another session'],
    ['regclass', 'its text is another one in another session'],
    ['json', 'the type has no order'],
    ['point', 'the type has no order'],
  ])('a key of type %s is refused by name', async (type, why) => {
    await make(`CREATE TABLE legacy.docs (id ${type} NOT NULL, body text)`);
    const found = of('key', await findings({ key: 'id' }));
    expect(found).toMatchObject([{ level: 'error', option: 'key' }]);
    expect(found[0]?.message).toContain(why);
    expect(found[0]?.remedy).toContain('unique index');
  });

  it('rules on UPDATE: in its place blocks, beside it warns, switched off is none', async () => {
    await make(
      table(),
      'CREATE TABLE legacy.audit (id bigint)',
      'CREATE RULE never AS ON UPDATE TO legacy.docs DO INSTEAD NOTHING',
      'CREATE RULE also AS ON UPDATE TO legacy.docs DO ALSO INSERT INTO legacy.audit VALUES (OLD.id)',
    );
    expect(
      of('rules', await findings()).map(({ level, message }) => [level, message.split(' ', 2)[1]]),
    ).toEqual([
      ['warn', 'also'],
      ['error', 'never'],
    ]);
    await make(
      'ALTER TABLE legacy.docs DISABLE RULE never',
      'ALTER TABLE legacy.docs DISABLE RULE also',
      rows,
    );
    expect(await (await wholeRoad()).account()).toMatchObject({ embedded: 10 });
  });

  it('children by inheritance block, until the condition leaves them out', async () => {
    await make(
      table(),
      rows,
      'CREATE TABLE legacy.more () INHERITS (legacy.docs)',
      `INSERT INTO legacy.more (id, body) VALUES (1, 'again')`,
    );
    const found = of('inheritance', await findings());
    expect(found).toMatchObject([{ level: 'error', option: 'where' }]);
    expect(found[0]?.message).toContain('legacy.more');
    const condition = /: ("docs".tableoid = .+::regclass)\.$/.exec(found[0]?.remedy ?? '')?.[1] ?? '';
    expect(await (await wholeRoad({ where: condition })).account()).toMatchObject({
      eligible: 10,
      embedded: 10,
    });
  });

  it('a partition is told to get its columns by its parent, and is as good as a table then', async () => {
    await make(
      'CREATE TABLE legacy.parted (id bigint, body text, PRIMARY KEY (id)) PARTITION BY RANGE (id)',
      'CREATE TABLE legacy.docs PARTITION OF legacy.parted FOR VALUES FROM (1) TO (100)',
      rows,
    );
    expect(blocking(await findings({ table: 'legacy.parted' }))).toEqual([]);
    const found = of('partition', await findings());
    expect(found).toMatchObject([{ level: 'error' }]);
    const remedy = /: (ALTER TABLE .+)\.$/.exec(found[0]?.remedy ?? '')?.[1] ?? '';
    await make(remedy.replace('vector(…)', 'public.vector(8)'));
    expect(await (await wholeRoad()).account()).toMatchObject({ embedded: 10 });
    await pool.query(`UPDATE legacy.parted SET body = 'edited' WHERE id = 3`);
    expect((await pool.query('SELECT key FROM pgvector_backfill.change')).rows).toEqual([{ key: '3' }]);
  });

  it('a partitioned table with a part on another server blocks', async () => {
    await make(
      'CREATE TABLE legacy.docs (id bigint NOT NULL, body text) PARTITION BY RANGE (id)',
      'CREATE FOREIGN DATA WRAPPER nobody; CREATE SERVER nowhere FOREIGN DATA WRAPPER nobody',
      'CREATE FOREIGN TABLE legacy.far PARTITION OF legacy.docs FOR VALUES FROM (1) TO (10) SERVER nowhere',
    );
    const [found] = of('partitions', await findings());
    expect(found).toMatchObject({ level: 'error' });
    expect(found?.message).toContain('legacy.far');
  });

  it.each([
    ['VIEW', 'CREATE VIEW legacy.docs AS SELECT 1::bigint AS id'],
    ['materialized view', 'CREATE MATERIALIZED VIEW legacy.docs AS SELECT 1::bigint AS id'],
    [
      'foreign table',
      'CREATE FOREIGN DATA WRAPPER nobody; CREATE SERVER nowhere FOREIGN DATA WRAPPER nobody; CREATE FOREIGN TABLE legacy.docs (id bigint) SERVER nowhere',
    ],
  ])('a %s blocks', async (kind, sql) => {
    await make(sql);
    const found = of('table', await findings());
    expect(found).toMatchObject([{ level: 'error', option: 'table' }]);
    expect(found[0]?.message).toContain(kind.toLowerCase());
    await make('DROP SERVER IF EXISTS nowhere CASCADE', 'DROP FOREIGN DATA WRAPPER IF EXISTS nobody CASCADE');
  });

  it('publications: updates are sent; without a replica identity they would be refused', async () => {
    await make(
      'CREATE TABLE legacy.docs (id bigint NOT NULL UNIQUE, body text)',
      'CREATE PUBLICATION news FOR TABLE legacy.docs',
    );
    try {
      await make(rows);
      const refused = of('publication', await findings());
      expect(refused).toMatchObject([{ level: 'error' }]);
      await expect(pool.query(`UPDATE legacy.docs SET body = 'x'`)).rejects.toThrow('replica identity');
      await make('ALTER TABLE legacy.docs REPLICA IDENTITY USING INDEX docs_id_key');
      expect(of('publication', await findings())).toMatchObject([
        { level: 'warn', message: expect.stringContaining('the added columns too') as string },
      ]);
      await make('ALTER TABLE legacy.docs REPLICA IDENTITY FULL');
      expect(of('publication', await findings())[0]?.message).toContain('REPLICA IDENTITY FULL');
      expect(await (await wholeRoad()).account()).toMatchObject({ embedded: 10 });
      await make(`ALTER PUBLICATION news SET (publish = 'insert')`);
      expect(of('publication', await findings())).toEqual([]);
    } finally {
      await make('DROP PUBLICATION news');
    }
  });

  it('columns under the names of ours that must not be written to', async () => {
    await make(
      table(
        `, embedding public.vector(8) GENERATED ALWAYS AS (NULL::public.vector(8)) STORED, stamp text, "when" timestamp`,
      ),
    );
    const found = await findings({ 'updated-at-column': 'stamp' });
    expect(of('columns', found).map(({ option, message }) => [option, message.split(' ', 2)[1]])).toEqual([
      ['column', 'embedding'],
      ['updatedAtColumn', 'stamp'],
    ]);
    expect(blocking(await findings({ column: 'other', 'updated-at-column': 'when' }))).toEqual([]);
  });

  it("tables under the names of the staging table and the index are somebody else's", async () => {
    await make(
      table(),
      'CREATE TABLE pgvector_backfill.docs_embedding_stage (id bigint PRIMARY KEY, note text)',
      'CREATE TABLE legacy.docs_embedding_hnsw_idx (note text)',
    );
    expect(blocking(await findings())).toEqual(['names', 'names']);
    await make('DROP TABLE pgvector_backfill.docs_embedding_stage, legacy.docs_embedding_hnsw_idx', rows);
    await wholeRoad();
    expect(blocking(await findings())).toEqual([]);
  });
});
