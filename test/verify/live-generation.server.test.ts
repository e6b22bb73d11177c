/** A second generation against the one by which reads go. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { judgedQueries as judged } from '../../src/demo/sample-queries.ts';
import { saveReadMode, type WantedReads } from '../../src/ledger/reads/read-mode.ts';
import type { Judgements, Query } from '../../src/relevance/query-file.ts';
import type { Check } from '../../src/verify/check.ts';
import { measureRelevance } from '../../src/verify/measures/relevance.ts';
import { embedQueries } from '../../src/verify/queries/query-vectors.ts';
import { reportPage } from '../../src/verify/report/page.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { sharedEmbedder } from '../setup/embedder.ts';
import { hasPostgres } from '../setup/databases.ts';
import { nextGeneration, twoModels, type TwoModels } from '../setup/generations.ts';
import { databases } from './vector-table.ts';

const queries: Query[] = judged.map(({ text }, at) => ({ id: `q${at}`, text }));
const judgements: Judgements = new Map(
  judged.map(({ relevant }, at) => [
    `q${at}`,
    new Map(relevant.map((key): [string, number] => [String(key), 1])),
  ]),
);
const named = (checks: readonly Check[], name: string): Check | undefined =>
  checks.find((check) => check.name === name);

const OPTIONS = {
  BACKFILL_TABLE: 'public.articles',
  BACKFILL_TEXT: 'title,body',
  BACKFILL_WHERE: "status <> 'draft'",
  // Each row is searched for with every setting of the curve.
  BACKFILL_VERIFY_SAMPLES: '5',
};

describe.runIf(hasPostgres()).each(databases())('two generations on $name', ({ create }) => {
  let [first, second]: TestBackfill[] = [];
  let models: TwoModels;
  const reads = (choice: WantedReads): Promise<void> =>
    saveReadMode(first!.pool, 'articles', choice, { by: 'test', reason: '' });
  beforeAll(async () => {
    models = await twoModels();
    first = await openBackfill(await create(), models.first, OPTIONS);
    await loadArticles(first.pool, articles());
    await first.enqueue();
    await first.work();
    await reads({ mode: 'vector', percent: null, generation: 1 });
    second = nextGeneration(first, models.second, 2, [
      ['verify.maxLossToLive', 0.9],
      ['verify.maxLatencyToLive', 0.0001],
    ]);
    await second.enqueue();
  });
  afterAll(async () => {
    await first!.close();
    await models.first.remove();
  });

  it('waits for judged queries where it must not be worse than the live one', async () => {
    expect(await second!.work()).toMatchObject({
      state: 'verifying',
      reason: 'verify did not pass: relevance-to-live',
    });
    const { checks } = await second!.verify();
    expect(checks.filter((check) => !check.passed)).toMatchObject([
      {
        name: 'relevance-to-live',
        value: null,
        threshold: -0.9,
        remedy: expect.stringContaining('verify --generation 2 --queries FILE --judgements FILE') as string,
      },
    ]);
  });

  it('measures it against the live one and the legacy search on the same queries', async () => {
    const verification = await second!.verify({ queries, judgements });
    const { checks, full } = verification;
    expect(checks.filter((check) => !check.passed)).toMatchObject([
      { name: 'latency-to-live', threshold: 0.0001 },
    ]);
    const { live, relevance, latency } = full!;
    expect(live).toMatchObject({
      generation: 1,
      run: (await first!.run()).id,
      model: 'first',
      dimensions: 32,
      answersReads: true,
      mode: 'vector',
      k: 10,
    });
    expect(live!.recallAt10).toBeGreaterThan(0.9);
    expect(live!.overlap).toBeGreaterThan(0.2);
    expect(live!.overlap).toBeLessThan(1);
    const [vector, other] = ['vector', 'live'].map((name) =>
      relevance!.systems.find((system) => system.name === name),
    );
    expect(live!.relevance).toMatchObject({
      queries: queries.length,
      own: vector!.ndcg10,
      live: other!.ndcg10,
      difference: vector!.differenceToLive,
    });
    const { low, value, high } = live!.relevance!.difference!;
    expect(value).toBeCloseTo(vector!.ndcg10! - other!.ndcg10!);
    expect([low <= value, value <= high]).toEqual([true, true]);
    // As that generation is measured by itself.
    const { pool, config } = first!;
    const context = { pool, target: await first!.target(), settings: config.settings, read: {} };
    const embedder = await sharedEmbedder(config.settings, 1);
    const own = await measureRelevance(
      context,
      { queries, judgements },
      await embedQueries(embedder, queries),
    );
    expect(own.systems[2]).toMatchObject({ name: 'vector', ndcg10: other!.ndcg10, mrr: other!.mrr });
    expect(latency!.systems.map(({ name }) => name).slice(5)).toEqual([
      'live-index',
      'live-embedding',
      'live',
    ]);
    expect(live!.latency!.live.p95Ms).toBeGreaterThan(0);

    const page = await reportPage({
      backfill: 'articles@2',
      run: '2',
      at: new Date(0),
      verification,
      recallTarget: 0.9,
      samples: [],
    });
    expect(page).toContain('Generation 2 beside generation 1');
    expect(page).toContain('articles, generation 2');
  });

  it('keeps what judged queries have found, and is ready while reads go by the other one', async () => {
    const { passed, checks } = await second!.verify();
    expect(passed).toBe(true);
    expect(named(checks, 'relevance-to-live')?.detail).toMatch(
      /; verification \d+ has measured it: nDCG@10 /,
    );
    expect((await second!.run()).state).toBe('ready');
  });

  it('goes by the generation that is named, and asks the live one as reads are: by both rankings', async () => {
    await reads({ mode: 'canary', percent: 10, generation: 2, base: { mode: 'hybrid', generation: 1 } });
    const { code, json } = await runCommand(
      'verify',
      ['--json', '--generation', '2'],
      // As the configuration has it once the new model is named.
      { ...first!.env, BACKFILL_MODEL_NAME: 'second' },
      models.first.localPath,
    );
    expect({ code, ...(json() as object) }).toMatchObject({
      code: 0,
      backfill: 'articles',
      generation: 2,
      live: { generation: 1, mode: 'hybrid', relevance: null },
    });
  });

  it('goes on without the live model, and says so', async () => {
    await first!.pool.query(
      `UPDATE pgvector_backfill.backfill SET settings = jsonb_set(settings, '{model,name}', '"nowhere"') WHERE name = 'articles'`,
    );
    const unlimited = nextGeneration(first!, models.second, 2);
    const { passed, checks, full } = await unlimited.verify({ queries, judgements: null });
    expect(passed).toBe(true);
    expect(full!.live).toBeNull();
    expect(named(checks, 'live-generation')).toMatchObject({
      value: null,
      detail: expect.stringMatching(/^NOT compared with generation 1, which answers reads: /) as string,
      remedy: expect.stringContaining('`pgvector-backfill verify --generation 2`') as string,
    });
  });
});
