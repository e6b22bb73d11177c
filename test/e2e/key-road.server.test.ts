/** The road from enqueue to cut-over and back by the verbs, on tables whose key is no number: with writes while it runs. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { judgedQueries } from '../../src/demo/sample-queries.ts';
import { createSearch } from '../../src/search/create-search.ts';
import { vectorColumn, vectorRows } from '../../src/table/stored-vectors.ts';
import { openBackfill } from '../setup/backfill.ts';
import { catalogState } from '../setup/catalog.ts';
import { runCommand } from '../setup/command.ts';
import { databases, hasPostgres } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { drainChanges, expectSynced } from '../setup/synced.ts';
import { QUERY, askUntil } from './articles-run.ts';

interface Verified {
  passed: boolean;
  checks: { name: string; passed: boolean; value: unknown }[];
  relevance: { unknownKeys: number };
}

/** Of the demo's, a few. */
const JUDGED = judgedQueries.slice(0, 6);
const TENANTS = ['00000000-0000-0000-0000-00000000000a', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
const tenantOf = (id: string): string => TENANTS[Number(id) % 2] ?? '';

/** Of the article with that id: the key's columns, as SQL makes them, and how its judgement names it. */
const SHAPES = [
  {
    name: 'text under an ICU collation',
    store: 'column',
    make: `CREATE TABLE articles (slug text COLLATE "en-x-icu" PRIMARY KEY, title text, body text)`,
    key: (id: string) => `'Article "' || ${id} || '", é'`,
    judged: (id: string) => `Article "${id}", é`,
    columns: 'slug',
    meanwhile: [],
    later: [],
    atTheEnd: [],
    joined: 'key = slug',
  },
  {
    name: 'a tenant and a number, partitioned by tenant',
    store: 'column',
    make: `CREATE TABLE articles (tenant_id uuid, id bigint, title text, body text, PRIMARY KEY (tenant_id, id)) PARTITION BY LIST (tenant_id);
           CREATE TABLE articles_a PARTITION OF articles FOR VALUES IN ('${TENANTS[0]}');
           CREATE TABLE articles_b PARTITION OF articles FOR VALUES IN ('${TENANTS[1]}')`,
    key: (id: string) => `(CASE ${id} % 2 WHEN 0 THEN '${TENANTS[0]}' ELSE '${TENANTS[1]}' END)::uuid, ${id}`,
    judged: (id: string) => `["${tenantOf(id)}","${id}"]`,
    columns: 'tenant_id, id',
    // Two partitions come with rows while workers are at it, and one of them goes again.
    meanwhile: ['c', 'd'].map(
      (letter) => `CREATE TABLE articles_${letter} (LIKE articles);
         INSERT INTO articles_${letter} SELECT '00000000-0000-0000-0000-00000000000${letter}', id, title, body FROM source WHERE id <= 70;
         ALTER TABLE articles ATTACH PARTITION articles_${letter} FOR VALUES IN ('00000000-0000-0000-0000-00000000000${letter}')`,
    ),
    later: ['ALTER TABLE articles DETACH PARTITION articles_d', 'DROP TABLE articles_d'],
    atTheEnd: ['DROP TABLE articles_c'],
    joined: '(found.tenant_id, found.id) = (articles.tenant_id, articles.id)',
  },
  {
    name: 'numeric, with vectors beside the table',
    store: 'table',
    make: `CREATE TABLE articles (number numeric PRIMARY KEY, title text, body text)`,
    key: (id: string) => `(${id} || '.50')::numeric`,
    judged: (id: string) => `${id}.5`,
    columns: 'number',
    meanwhile: [],
    later: [],
    atTheEnd: [],
    joined: 'key = number',
  },
] as const;

describe.each(databases())('from enqueue to cut-over and back, on $name', ({ create }) => {
  const model = sampleModel();
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-keys-'));
    const lines = JUDGED.map(({ text }, at) => JSON.stringify({ _id: `q${at}`, text }));
    await writeFile(join(folder, 'queries.jsonl'), lines.join('\n'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  // The embedded server knows of no ICU.
  it.each(SHAPES.filter(({ name }) => hasPostgres() || !name.includes('ICU')))(
    '$name',
    async ({ store, make, key: keyOf, judged, columns, joined, meanwhile, later, atTheEnd }) => {
      const key = keyOf('id');
      const backfill = await openBackfill(await create({ bare: true }), model, {
        BACKFILL_TABLE: 'articles',
        BACKFILL_TEXT: 'title,body',
        BACKFILL_BATCH_ROWS: '60',
        BACKFILL_STORE: store,
      });
      const { pool } = backfill;
      const run = (verb: string, ...args: string[]): ReturnType<typeof runCommand> =>
        runCommand(verb, [...args, '--json'], backfill.env, folder);
      await loadArticles(pool, articles());
      await pool.query(
        'ALTER TABLE articles RENAME TO source; ALTER INDEX articles_pkey RENAME TO source_pkey',
      );
      await pool.query(make);
      await pool.query(`INSERT INTO articles SELECT ${key}, title, body FROM source WHERE id % 10 <> 7`);
      await pool.query('ANALYZE articles');
      // Its rows are written to meanwhile.
      const schema = async (): Promise<object> => ({ ...(await catalogState(pool, 'articles')), rows: null });
      const before = await schema();
      const grades = JUDGED.flatMap(({ relevant }, at) =>
        relevant.map((id) => `q${at}\t${judged(String(id))}\t1`),
      );
      await writeFile(join(folder, 'qrels.tsv'), grades.join('\n'));

      const doctor = (await run('doctor')).json() as {
        findings: { level: string; check: string; message: string }[];
      };
      expect(doctor.findings.filter(({ level }) => level === 'error')).toEqual([]);
      expect(doctor.findings.find(({ check }) => check === 'key')?.message).toContain(
        'option key is not set',
      );
      await backfill.enqueue();
      const workers = await backfill.workers();
      // Rows that come, go, are edited and get another key while workers are at it.
      await pool.query(`INSERT INTO articles SELECT ${key}, title, body FROM source WHERE id % 10 = 7`);
      await pool.query(
        `DELETE FROM articles WHERE (${columns}) IN (SELECT ${key} FROM source WHERE id % 29 = 0)`,
      );
      await pool.query(
        `UPDATE articles SET body = body || ' once more' WHERE (${columns}) IN (SELECT ${key} FROM source WHERE id % 31 = 1)`,
      );
      await pool.query(
        `WITH moved AS (SELECT ${keyOf('(id + 100000)')} FROM source WHERE id = 11)
       UPDATE articles SET (${columns}) = (SELECT * FROM moved) WHERE (${columns}) = (SELECT ${key} FROM source WHERE id = 11)`.replace(
          /SET \((\w+)\) = \(SELECT/,
          'SET $1 = (SELECT',
        ),
      );
      for (const sql of meanwhile) await pool.query(sql);
      await workers.drain();
      for (const sql of later) await pool.query(sql);
      expect(await backfill.work()).toMatchObject({ state: 'ready', index: { valid: true } });
      await drainChanges(backfill);
      await expectSynced(backfill);

      const verify = await run('verify', '--queries', 'queries.jsonl', '--judgements', 'qrels.tsv');
      const { passed, checks, relevance } = verify.json() as Verified;
      expect(checks.filter((check) => !check.passed)).toEqual([]);
      expect(passed).toBe(true);
      // Those that were deleted above, and the one that has another key.
      expect(relevance.unknownKeys).toBeLessThan(JUDGED.flatMap(({ relevant }) => relevant).length / 4);

      const [hit] = ((await run('search', QUERY)).json() as { vector: { key: string; title: string }[] })
        .vector;
      const search = createSearch({ pool, backfill: 'articles' });
      expect((await run('cutover', '--to', 'vector', '--execute')).code).toBe(0);
      const answer = await askUntil(search, 'vector');
      expect(answer.hits[0]?.key).toBe(hit?.key);
      await search.close();
      const found = await pool.query<{ title: string }>(
        `SELECT title FROM search_articles($1::vector, 3) AS found JOIN articles ON ${joined} ORDER BY distance`,
        [JSON.stringify(await vectorOf(hit?.title ?? ''))],
      );
      expect(found.rows).toHaveLength(3);
      expect(found.rows[0]?.title).toBe(hit?.title);

      expect((await run('rollback', '--execute')).json()).toMatchObject({ from: 'vector', to: 'legacy' });
      expect((await run('rollback', '--to-legacy-schema', '--execute')).code).toBe(0);
      for (const sql of atTheEnd) await pool.query(sql);
      expect(await schema()).toEqual(before);
      await backfill.close();

      async function vectorOf(title: string): Promise<number[]> {
        const target = await backfill.target();
        const stored = await pool.query<{ vector: string }>(
          `SELECT ${vectorColumn(target)}::text AS vector FROM ${vectorRows(target, 'first')} WHERE title = $1 LIMIT 1`,
          [title],
        );
        return JSON.parse(stored.rows[0]?.vector ?? '[]') as number[];
      }
    },
  );
});
