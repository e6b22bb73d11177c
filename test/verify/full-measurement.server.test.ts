/** The whole gate, with judged queries on the sample table. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Judgements, Query } from '../../src/relevance/query-file.ts';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { judgedQueries } from '../../src/demo/sample-queries.ts';
import { loadReadSettings } from '../../src/ledger/reads/read-settings.ts';
import type { Check } from '../../src/verify/check.ts';
import { reportPage } from '../../src/verify/report/page.ts';
import { compareSamples } from '../../src/verify/report/query-examples.ts';
import { openEmbedder } from '../../src/embedding/open-embedder.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { sampleModel } from '../setup/model.ts';
import { databases } from './vector-table.ts';
import { hasPostgres } from '../setup/databases.ts';

const queries: Query[] = judgedQueries.map(({ text }, at) => ({ id: `q${at}`, text }));
const judgements: Judgements = new Map(
  judgedQueries.map(({ relevant }, at) => [
    `q${at}`,
    new Map(relevant.map((key): [string, number] => [String(key), 1])),
  ]),
);
/** A word that the sample's titles have, for texts that must not be found in a report. */
const TITLE =
  articles().find(({ status, title }) => status !== 'draft' && (title?.length ?? 0) > 20)?.title ?? '';
const named = (checks: readonly Check[], name: string): Check | undefined =>
  checks.find((check) => check.name === name);

const model = sampleModel(64);

// Takes the embedded server, several times slower, too long: a machine without real servers leaves it out, and says so.
describe.runIf(hasPostgres()).each(databases())('verify with judged queries on $name', ({ create }) => {
  let backfill: TestBackfill;
  beforeAll(async () => {
    backfill = await openBackfill(await create(), model, {
      BACKFILL_TABLE: 'public.articles',
      BACKFILL_TEXT: 'title,body',
      BACKFILL_WHERE: "status <> 'draft'",
      BACKFILL_SEARCH_FILTERS: JSON.stringify([{ name: 'early', where: 'id < $1', values: [300] }]),
      // Each row is searched for with every setting of the curve, with and without the filter.
      BACKFILL_VERIFY_SAMPLES: '15',
    });
    await loadArticles(backfill.pool, articles());
    await backfill.enqueue();
    await backfill.work();
  });
  afterAll(() => backfill.close());

  it('measures all of it, counts what does not fit, and keeps figures only', async () => {
    const odd = new Map([
      ...judgements,
      ['elsewhere', new Map([['1', 1]])],
      ['q0', new Map([...(judgements.get('q0') ?? []), ['999999', 1], ['no key', 0]])],
      ['idle', new Map([['301', 0]])],
    ]);
    const asked = [...queries, { id: 'unjudged', text: 'bread' }, { id: 'idle', text: 'wheel' }];
    const { passed, checks, full, read } = await backfill.verify({ queries: asked, judgements: odd });
    expect(checks.filter((check) => !check.passed)).toEqual([]);
    expect(passed).toBe(true);

    const { relevance, agreement, curve, recommendation, latency, filterRows, filterPlans } = full!;
    expect(agreement).toBeNull();
    expect(relevance).toMatchObject({
      queries: queries.length,
      leftOut: { withoutJudgement: 1, withoutRelevant: 1, judgedButMissing: 1 },
      unknownKeys: 3,
    });
    expect(named(checks, 'judgements')).toMatchObject({
      passed: true,
      remedy: expect.stringContaining('keys') as string,
    });
    expect(relevance!.systems.map(({ name }) => name)).toEqual(['legacy', 'tsvector', 'vector', 'hybrid']);
    for (const { ndcg10, recall100, mrr, low, high } of relevance!.systems) {
      for (const value of [ndcg10, recall100, mrr, low, high]) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
      }
      expect(low).toBeLessThanOrEqual(ndcg10!);
      expect(high).toBeGreaterThanOrEqual(ndcg10!);
    }
    const [legacy, tsvector, vector, hybrid] = relevance!.systems;
    expect(legacy?.difference).toBeNull();
    expect(vector?.difference?.low).toBeGreaterThan(0.3);
    expect(tsvector?.ndcg10).toBeGreaterThan(legacy!.ndcg10!);
    expect(hybrid?.ndcg10).toBeGreaterThan(tsvector!.ndcg10!);

    expect(latency?.systems.map(({ name }) => name)).toEqual([
      'legacy',
      'exact',
      'index',
      'embedding',
      'vector',
    ]);
    for (const { p50Ms, p95Ms, p99Ms } of latency!.systems) {
      expect(p50Ms).toBeLessThanOrEqual(p95Ms);
      expect(p95Ms).toBeLessThanOrEqual(p99Ms);
    }
    expect(curve?.series.some(({ source }) => source === 'queries')).toBe(true);
    expect(filterRows).toMatchObject([{ filter: 'early', fewest: 10 }]);
    expect(filterPlans).toMatchObject([{ filter: 'early', usesIndex: true }]);
    expect(await loadReadSettings(backfill.pool, 'articles')).toEqual(recommendation?.settings);
    expect(read).toEqual(recommendation?.settings);

    const stored = await backfill.pool.query<{ result: string; relevance: unknown }>(
      `SELECT result::text || checks::text AS result, result -> 'relevance' AS relevance
         FROM pgvector_backfill.verification ORDER BY id DESC LIMIT 1`,
    );
    expect(stored.rows[0]?.relevance).toEqual(JSON.parse(JSON.stringify(relevance)));
    for (const text of [...queries.map((query) => query.text), TITLE])
      expect(stored.rows[0]?.result).not.toContain(text);
  });

  it('reports without a text, unless samples are asked for, and loads nothing', async () => {
    const verification = await backfill.verify({ queries, judgements });
    const page = await reportPage({
      backfill: '<articles>',
      run: '1',
      at: new Date(0),
      verification,
      recallTarget: 0.9,
      samples: [],
    });
    expect(page.includes('&lt;articles&gt;')).toBe(true);
    expect(page.match(/<svg\s/g)?.length).toBeGreaterThanOrEqual(7);
    // What reads are given, in words and as the dashed upright line; and a page for dark screens.
    const chosen = Object.entries(verification.full!.recommendation!.settings);
    expect(page).toContain(chosen.map(([name, value]) => `${name} = ${value}`).join(', '));
    expect(page.match(/stroke-dasharray/g)?.length).toBeGreaterThanOrEqual(3);
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page.match(/<script|\ssrc=|<link|url\((?!#)/g)).toBeNull();
    expect(page).not.toMatch(/https?:\/\//);
    expect(
      ['legacy', 'tsvector', 'vector', 'hybrid', 'hnsw.ef_search', 'early'].filter(
        (name) => !page.includes(name),
      ),
    ).toEqual([]);
    expect([...queries.map((query) => query.text), TITLE].filter((text) => page.includes(text))).toEqual([]);

    const embedder = await openEmbedder(backfill.config.settings, 1);
    try {
      const target = await backfill.target();
      const { pool, config } = backfill;
      const hostile = [{ id: 'x', text: '<script>alert(1)</script> bread' }];
      const samples = await compareSamples({ pool, target, settings: config.settings, embedder }, [
        ...queries.slice(0, 2),
        ...hostile,
      ]);
      const shown = await reportPage({
        backfill: 'articles',
        run: '1',
        at: new Date(0),
        verification,
        recallTarget: 0.9,
        samples,
      });
      expect(shown.includes(queries[0]!.text)).toBe(true);
      expect(shown.includes(samples[0]!.vector[0]!.title)).toBe(true);
      expect(shown.includes('&lt;script&gt;')).toBe(true);
      expect(shown.includes('<script')).toBe(false);
    } finally {
      await embedder.close();
    }
  });

  it('without judgements tells how far the two searches agree', async () => {
    const { DATABASE_URL: databaseUrl = '', QUEUE_URL: queueUrl = '' } = backfill.env;
    // More rows: the two searches agree in whole on the first lines of the few.
    const wide = await openBackfill({ databaseUrl, queueUrl, drop: () => Promise.resolve() }, model, {
      ...backfill.env,
      BACKFILL_VERIFY_SAMPLES: '50',
    });
    const verification = await wide.verify({ queries: null, judgements: null });
    await wide.close();
    const { full, checks } = verification;
    expect(full?.relevance).toBeNull();
    expect(full?.agreement).toMatchObject({
      source: 'rows',
      k: 10,
      measure: 'rank-biased overlap',
      depth: 100,
    });
    for (const value of [full!.agreement!.overlap, full!.agreement!.rankCorrelation]) {
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(1);
    }
    expect(named(checks, 'agreement')).toMatchObject({ passed: true });
    const page = await reportPage({
      backfill: 'articles',
      run: '1',
      at: new Date(0),
      verification,
      recallTarget: 0.9,
      samples: [],
    });
    expect(page).toContain('<h2>Agreement</h2>');
    expect(page).toContain('rank-biased overlap');
    expect((await backfill.verify({ queries, judgements: null })).full?.agreement?.source).toBe('file');
  });

  it('refuses judgements of other queries', async () => {
    await expect(
      backfill.verify({ queries, judgements: new Map([['other', new Map([['1', 1]])]]) }),
    ).rejects.toMatchObject({ code: 'NO_JUDGED_QUERIES' });
  });

  it('holds relevance against the last passed verification, and does not pass once it has dropped', async () => {
    const before = await backfill.verify({ queries, judgements });
    expect(named(before.checks, 'relevance-baseline:vector')).toMatchObject({ passed: true });
    // Vectors of other rows, in table and staging alike, as if they had been mixed up.
    const rotate = (table: string): string =>
      `UPDATE ${table} t SET embedding = o.embedding FROM (
         SELECT id, lead(embedding, 40) OVER (ORDER BY id) AS embedding FROM articles WHERE embedding IS NOT NULL) o
        WHERE o.id = t.id AND o.embedding IS NOT NULL`;
    await backfill.pool.query(rotate('articles'));
    await backfill.pool.query(
      'UPDATE pgvector_backfill.articles_embedding_stage s SET embedding = a.embedding FROM articles a WHERE a.id = s.id',
    );
    const after = await backfill.verify({ queries, judgements });
    expect(after.passed).toBe(false);
    expect(named(after.checks, 'relevance-baseline:vector')).toMatchObject({
      passed: false,
      remedy: expect.stringContaining('verify.tolerance') as string,
    });
    // It did not pass, so it is nothing to be held against.
    const again = await backfill.verify({ queries, judgements });
    expect(named(again.checks, 'relevance-baseline:vector')?.threshold).toBe(
      named(after.checks, 'relevance-baseline:vector')?.threshold,
    );
  });
});
