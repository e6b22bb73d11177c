/** Vectors beside tables with keys of many shapes: each row has its own, and what becomes of the row becomes of them. */

import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { planSearchFunction } from '../../src/cutover/search-function.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { nearest } from '../../src/search/queries/vector-query.ts';
import { sweepAll } from '../../src/sync/sweep-missed-rows.ts';
import { keyRefs, keyTextSql, legacyKey, sameKeySql } from '../../src/table/key.ts';
import { vectorColumn, vectorRows } from '../../src/table/stored-vectors.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { KEY_SHAPES, keysOf, makeKeyTypes, shapedTable } from '../setup/key-shapes.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';

/** Of every kind one: the shapes of the keys themselves are tried in full with vectors in a column. */
const SHAPES = KEY_SHAPES.filter(({ name }) =>
  [
    'uuid, anywhere between its ends',
    'text as people sort it',
    'text to whose collation many letters are the same',
    'citext in a schema that is not on the path',
    'numeric of different scales',
    'timestamp with time zone',
    'a tenant and a number',
    'two columns of opposite order',
  ].includes(name),
);

describe.runIf(hasPostgres())('keys of vectors beside the table', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await makeKeyTypes(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    await pool.query(
      'DROP TABLE IF EXISTS docs, docs_embedding, pgvector_backfill.docs_embedding_stage CASCADE',
    );
    await pool.query('DELETE FROM pgvector_backfill.run');
    await pool.query('DELETE FROM pgvector_backfill.backfill');
  });

  const configOf = (flags: Record<string, string> = {}): Promise<Config> =>
    loadConfig({
      flags: { table: 'docs', text: 'body', store: 'table', 'batch-rows': '5', ...flags },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });

  it('are of shapes that are tried', () => {
    expect(SHAPES).toHaveLength(8);
  });

  it.each(SHAPES)('$name', async (shape) => {
    const { names, types, create, insert: insertOf, lists } = shapedTable(shape);
    const insert = insertOf(
      `'text ' || concat_ws('/', ${names.map((name) => `u.${name}::text`).join(', ')})`,
    );
    const [first = [], later = []] = fc.sample(keysOf(shape, { minLength: 4, maxLength: 12 }), {
      numRuns: 2,
      seed: 1,
    });
    for (const sql of create) await pool.query(sql);
    await pool.query(insert, lists(first));
    const config = await configOf();
    expect(await complaints(pool, config)).toEqual([]);
    const result = await runAll(pool, config, hashEmbedder());
    const { target } = result.context;
    const rows = async (): Promise<number> =>
      (await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM docs')).rows[0]?.n ?? 0;
    expect(await result.account()).toMatchObject({ eligible: await rows(), embedded: await rows() });
    expect(result.index).toEqual({ kind: 'valid' });

    const is = sameKeySql(
      target,
      names,
      types.map((type, at) => `$${at + 1}::text::${type}`),
    );
    await pool.query(`DELETE FROM docs WHERE ${is}`, [...(first[0] ?? [])]);
    await pool.query(insert, lists(later));
    await pool.query(`UPDATE docs SET body = body || ' edited' WHERE ctid = (SELECT max(ctid) FROM docs)`);
    await pool.query(`UPDATE docs SET body = '…' WHERE ${is}`, [...(later[0] ?? [])]);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({
      eligible: await rows(),
      embedded: (await rows()) - 1,
      quarantined: 1,
    });
    // What no trigger has seen: a text, and a row that is gone.
    await pool.query('ALTER TABLE docs DISABLE TRIGGER USER');
    await pool.query(`UPDATE docs SET body = 'unseen' WHERE body = '…'`);
    await pool.query('DELETE FROM docs WHERE ctid = (SELECT min(ctid) FROM docs)');
    expect(await sweepAll({ pool, target, run: result.run })).toBe(2);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: await rows(), embedded: await rows() });

    const stored = await pool.query<{ rows: number; orphans: number }>(
      `SELECT count(*)::int AS rows, count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM docs WHERE ${sameKeySql(target, legacyKey(target), keyRefs(target, 'v.'))}))::int AS orphans FROM ${target.store.table} v`,
    );
    expect(stored.rows).toEqual([{ rows: await rows(), orphans: 0 }]);
    const [one] = (
      await pool.query<{ key: string; vector: string }>(
        `SELECT ${keyTextSql(target, legacyKey(target))} AS key, ${vectorColumn(target)}::text AS vector FROM ${vectorRows(target, 'first')} WHERE body = 'unseen'`,
      )
    ).rows;
    for (const mode of ['exact', 'index'] as const) {
      const { neighbours } = await nearest(pool, target, 'cosine', one?.vector ?? '', await rows(), mode);
      expect(neighbours[0]?.key).toBe(one?.key);
      expect(neighbours).toHaveLength(await rows());
    }

    // As if each text had two passages: rows are told apart by keys of any shape.
    await pool.query(
      `INSERT INTO ${target.store.table} SELECT ${keyRefs(target).join(', ')}, 1, 5, 9, embedding, text_hash, embedded_at FROM ${target.store.table}`,
    );
    const cut = { ...target, hasPassages: true };
    for (const order of ['strict_order', 'relaxed_order']) {
      const read = { 'hnsw.iterative_scan': order };
      for (const mode of ['exact', 'index'] as const) {
        const { neighbours } = await nearest(pool, cut, 'cosine', one?.vector ?? '', 100, mode, { read });
        expect(neighbours[0]).toMatchObject({ key: one?.key, passage: { number: expect.any(Number) } });
        expect(new Set(neighbours.map(({ key }) => key)).size).toBe(neighbours.length);
        expect(neighbours).toHaveLength(await rows());
      }
      const { name, statements } = await planSearchFunction(pool, cut, 'cosine', read);
      for (const sql of statements) await pool.query(sql);
      const found = await pool.query(`SELECT passage FROM ${name}($1)`, [one?.vector]);
      expect(found.rows).toHaveLength(Math.min(10, await rows()));
    }
  });

  it('of a partitioned table whose parts come and go: one table of vectors, with one index', async () => {
    await pool.query(`CREATE TABLE docs (tenant int, id bigint, body text, PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);
      CREATE TABLE docs_1 PARTITION OF docs FOR VALUES IN (1); CREATE TABLE docs_2 PARTITION OF docs FOR VALUES IN (2);
      INSERT INTO docs SELECT 1 + n % 2, n, 'text ' || n FROM generate_series(1, 20) n`);
    const config = await configOf();
    expect(await complaints(pool, config)).toEqual([]);
    const result = await runAll(pool, config, hashEmbedder());
    expect(await result.account()).toMatchObject({ eligible: 20, embedded: 20 });
    expect(result.index).toEqual({ kind: 'valid' });
    await pool.query(`ALTER TABLE docs DETACH PARTITION docs_2; CREATE TABLE docs_3 (LIKE docs);
      INSERT INTO docs_3 SELECT 3, n, 'later ' || n FROM generate_series(1, 4) n; ALTER TABLE docs ATTACH PARTITION docs_3 FOR VALUES IN (3)`);
    const { target } = result.context;
    expect(await sweepAll({ pool, target, run: result.run })).toBe(14);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 14, embedded: 14 });
    const stored = await pool.query(
      'SELECT tenant, count(*)::int AS rows FROM docs_embedding GROUP BY 1 ORDER BY 1',
    );
    expect(stored.rows).toEqual([
      { tenant: 1, rows: 10 },
      { tenant: 3, rows: 4 },
    ]);
    await pool.query('DROP TABLE docs_2');
  });

  it('of rows whose text cannot be read, or that where lets through no more', async () => {
    await pool.query(`CREATE TABLE docs (id bigint PRIMARY KEY, body text, n int DEFAULT 1);
      INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, 10) n`);
    const result = await runAll(
      pool,
      await configOf({ text: 'sql:body || (10 / n)', where: "body <> 'hidden'", mask: 'email' }),
      hashEmbedder(),
    );
    expect(await result.account()).toMatchObject({ eligible: 10, embedded: 10 });
    await pool.query(`UPDATE docs SET n = 0 WHERE id = 3; UPDATE docs SET body = 'hidden' WHERE id = 4`);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 9, embedded: 8, quarantined: 1 });
    const stored = await pool.query<{ id: string }>('SELECT id FROM docs_embedding ORDER BY id');
    expect(stored.rows.map(({ id }) => Number(id))).toEqual([1, 2, 5, 6, 7, 8, 9, 10]);
    await pool.query(`UPDATE docs SET n = 2 WHERE id = 3; UPDATE docs SET body = 'shown' WHERE id = 4`);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 10, embedded: 10, quarantined: 0 });
  });
});
