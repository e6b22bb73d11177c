/** Vectors in a table beside the legacy table, which is read and never written to: the whole road, by workers and verbs. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSearch } from '../../src/search/create-search.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { catalogState } from '../setup/catalog.ts';
import { runCommand } from '../setup/command.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { drainChanges, expectSynced } from '../setup/synced.ts';
import { QUERY, askUntil } from './articles-run.ts';

interface Verified {
  passed: boolean;
  checks: { name: string; passed: boolean; value: unknown }[];
}

describe.each(databases())('vectors beside the table, on $name', ({ create }) => {
  const model = sampleModel();
  let backfill: TestBackfill;
  beforeEach(async () => {
    backfill = await openBackfill(await create({ bare: true }), model, {
      BACKFILL_TABLE: 'articles',
      BACKFILL_TEXT: 'title,body',
      BACKFILL_STORE: 'table',
      BACKFILL_WHERE: "status <> 'draft'",
      BACKFILL_BATCH_ROWS: '60',
    });
    await loadArticles(backfill.pool, articles());
    await backfill.pool.query(`
      CREATE TABLE fired (n int);
      CREATE FUNCTION count_fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fired VALUES (1); RETURN NEW; END $$;
      CREATE TRIGGER counts AFTER UPDATE ON articles FOR EACH ROW EXECUTE FUNCTION count_fired();
      ANALYZE articles`);
  });
  afterEach(() => backfill.close());

  const run = (verb: string, ...args: string[]): ReturnType<typeof runCommand> =>
    runCommand(verb, [...args, '--json'], backfill.env);
  const written = async (): Promise<object> => {
    await backfill.pool.query('SELECT pg_stat_force_next_flush()').catch(() => {});
    const found = await backfill.pool.query<object>(
      `SELECT pg_stat_get_tuples_updated('articles'::regclass)::int AS updated, pg_stat_get_tuples_inserted('articles'::regclass)::int AS inserted,
              (SELECT count(*)::int FROM fired) AS fired, pg_relation_size('articles')::int AS bytes,
              (SELECT count(*)::int FROM articles WHERE xmax::text <> '0') AS locked,
              (SELECT md5(string_agg(ctid::text || xmin::text, ',' ORDER BY id)) FROM articles) AS versions`,
    );
    return found.rows[0] ?? {};
  };

  it('are embedded, indexed, proved, read and taken away again without a write to it', async () => {
    const { pool } = backfill;
    const before = await catalogState(pool, 'articles');
    const untouched = await written();

    const doctor = (await run('doctor')).json() as { findings: { level: string; check: string }[] };
    expect(doctor.findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(doctor.findings.some(({ check }) => check === 'triggers')).toBe(false);
    const planned = (await run('enqueue', '--dry-run')).json() as {
      ddl: string[];
      forecast: { tableGrowth: { heapBytes: number; tableBytes: number } };
    };
    expect(planned.ddl.some((sql) => sql.includes('ADD COLUMN'))).toBe(false);
    expect(planned.ddl).toContainEqual(expect.stringContaining('CREATE TABLE "public"."articles_embedding"'));
    expect(planned.forecast.tableGrowth).toMatchObject({ heapBytes: 0 });
    expect(planned.forecast.tableGrowth.tableBytes).toBeGreaterThan(0);

    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      index: { valid: true, name: 'articles_embedding_hnsw_idx' },
    });
    await expectSynced(backfill);
    expect(await written()).toEqual(untouched);
    const after = await catalogState(pool, 'articles');
    expect({ ...after, triggers: null, relations: null, functions: null }).toEqual({
      ...before,
      triggers: null,
      relations: null,
      functions: null,
    });

    const verify = await run('verify');
    const { passed, checks } = verify.json() as Verified;
    expect(checks.filter((check) => !check.passed)).toEqual([]);
    expect(passed).toBe(true);
    expect(checks.find(({ name }) => name === 'plan')?.value).toContain('articles_embedding_hnsw_idx');

    const search = createSearch({ pool, backfill: 'articles' });
    expect((await run('cutover', '--to', 'vector', '--execute')).code).toBe(0);
    const answer = await askUntil(search, 'vector');
    expect(answer.hits).toHaveLength(5);
    const [best] = answer.hits;
    // A row that is gone is found no more, before anybody has brought its vector in line.
    await pool.query('DELETE FROM articles WHERE id = $1', [best?.key]);
    const without = await search.search(QUERY, { k: 5 });
    expect(without.hits).toHaveLength(5);
    expect(without.hits.map(({ key }) => key)).not.toContain(best?.key);
    await search.close();
    const byFunction = await pool.query<{ key: string }>(
      'SELECT key FROM search_articles((SELECT embedding FROM articles_embedding ORDER BY id LIMIT 1), 5)',
    );
    expect(byFunction.rows).toHaveLength(5);

    expect((await run('rollback', '--to-legacy-schema', '--execute')).code).toBe(0);
    expect({ ...(await catalogState(pool, 'articles')), rows: null }).toEqual({ ...before, rows: null });
  });

  it('follow what is inserted, edited, emptied, deleted, renamed by key and taken out of the condition', async () => {
    const { pool } = backfill;
    await backfill.enqueue();
    await backfill.work();
    await pool.query(`
      INSERT INTO articles SELECT (jsonb_populate_record(a, '{"id": 900001}')).* FROM articles a WHERE id = 1;
      UPDATE articles SET body = body || ' once more' WHERE id % 7 = 1;
      UPDATE articles SET title = '', body = '' WHERE id = 5;
      DELETE FROM articles WHERE id % 11 = 3;
      UPDATE articles SET id = id + 700000 WHERE id = 12;
      UPDATE articles SET status = 'draft' WHERE id = 13`);
    await drainChanges(backfill);
    await expectSynced(backfill);
    const gone = await pool.query('SELECT id FROM articles_embedding WHERE id IN (3, 5, 12, 13)');
    expect(gone.rows).toEqual([]);
  });
});
