/** A partitioned table through the operator's own verbs, with halfvec and the index that is chosen for it. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { judgedQueries } from '../../src/demo/sample-queries.ts';
import { openBackfill } from '../setup/backfill.ts';
import { catalogState } from '../setup/catalog.ts';
import { runCommand } from '../setup/command.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

interface Verified {
  passed: boolean;
  checks: { name: string; passed: boolean; value: unknown }[];
  relevance: { queries: number; systems: { name: string; ndcg10: number }[] };
}

describe.each(databases())('a partitioned table by the verbs, on $name', ({ create }) => {
  const model = sampleModel(64);
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-partitioned-'));
    const lines = judgedQueries.map(({ text }, at) => JSON.stringify({ _id: `q${at}`, text }));
    await writeFile(join(folder, 'queries.jsonl'), lines.join('\n'));
    const grades = judgedQueries.flatMap(({ relevant }, at) => relevant.map((key) => `q${at}\t${key}\t1`));
    await writeFile(join(folder, 'qrels.tsv'), ['query-id\tcorpus-id\tscore', ...grades].join('\n'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('is embedded, indexed, proved, cut over, and given back as it was found', async () => {
    const backfill = await openBackfill(await create({ bare: true }), model, {
      BACKFILL_TABLE: 'articles',
      BACKFILL_TEXT: 'title,body',
      BACKFILL_COLUMN_TYPE: 'halfvec',
      BACKFILL_INDEX_METHOD: 'auto',
    });
    const { pool } = backfill;
    const run = (verb: string, ...args: string[]): ReturnType<typeof runCommand> =>
      runCommand(verb, [...args, '--json'], backfill.env, folder);
    await loadArticles(pool, articles());
    await pool.query(`
      ALTER TABLE articles RENAME TO source;
      CREATE TABLE articles (LIKE source, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE articles_old PARTITION OF articles FOR VALUES FROM (MINVALUE) TO (100);
      CREATE TABLE articles_new PARTITION OF articles FOR VALUES FROM (100) TO (MAXVALUE) PARTITION BY HASH (id);
      CREATE TABLE articles_new_0 PARTITION OF articles_new FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE articles_new_1 PARTITION OF articles_new FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO articles SELECT * FROM source;
      DROP TABLE source;`);
    const before = await catalogState(pool, 'articles');

    const doctor = (await run('doctor')).json() as { findings: { level: string; check: string }[] };
    expect(doctor.findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(doctor.findings).toContainEqual(expect.objectContaining({ level: 'ok', check: 'partitions' }));
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({ state: 'ready', index: { valid: true, method: 'hnsw' } });

    const verify = await run('verify', '--queries', 'queries.jsonl', '--judgements', 'qrels.tsv');
    const { passed, checks, relevance } = verify.json() as Verified;
    expect(checks.filter((check) => !check.passed)).toEqual([]);
    expect({ code: verify.code, passed }).toEqual({ code: 0, passed: true });
    expect(checks.find(({ name }) => name === 'plan')?.value).toContain('_embedding_hnsw_idx');
    expect(relevance.queries).toBe(judgedQueries.length);
    expect(relevance.systems.every(({ ndcg10 }) => ndcg10 >= 0 && ndcg10 <= 1)).toBe(true);

    expect((await run('cutover', '--to', 'vector', '--execute')).code).toBe(0);
    const { rows } = await pool.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM search_articles((SELECT embedding::vector FROM articles ORDER BY id LIMIT 1), 5)',
    );
    expect(rows[0]?.n).toBe(5);
    expect((await run('rollback', '--to-legacy-schema', '--execute')).code).toBe(0);
    expect(await catalogState(pool, 'articles')).toEqual(before);
    await backfill.close();
  });
});
