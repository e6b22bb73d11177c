import { afterEach, describe, expect, it } from 'vitest';
import { measureCurve, type Curve, type CurveQueries } from '../../../src/verify/measures/recall-curve.ts';
import { curveCheck, recommend } from '../../../src/verify/measures/recommended-settings.ts';
import { sampleRows } from '../../../src/verify/queries/sampled-rows.ts';
import { databases, DIMENSIONS, openVectorTable, type VectorTable } from '../vector-table.ts';
import { hasPostgres } from '../../setup/databases.ts';

const ROWS = 2000;
const FILTERS = JSON.stringify([{ name: 'rare', where: 'rare = $1', values: [true] }]);

// Takes the embedded server, several times slower, too long: a machine without real servers leaves it out, and says so.
describe.runIf(hasPostgres()).each(databases())('the recall curve on $name', ({ create }) => {
  let table: VectorTable;
  afterEach(() => table.close());

  const queriesOf = async (context: Awaited<ReturnType<VectorTable['context']>>): Promise<CurveQueries> => ({
    rows: (await sampleRows(context.pool, context.target, ROWS, 20)).map(({ key, vector }) => ({
      vector,
      own: key,
    })),
    queries: [{ vector: `[${Array.from({ length: DIMENSIONS }, (_, at) => at + 1).join()}]`, own: null }],
  });

  it('goes up with ef_search, and a filter needs an iterative scan', async () => {
    table = await openVectorTable(await create(), ROWS);
    const context = await table.context({ 'search-filters': FILTERS });
    const curve = await measureCurve(context, await queriesOf(context), null, () => {});
    expect(curve).toMatchObject({ setting: 'hnsw.ef_search', k: 10 });
    expect(
      curve.series.map(({ source, filter, iterativeScan }) => [source, filter, iterativeScan].join()),
    ).toEqual(
      ['rows', 'queries'].flatMap((source) => [
        `${source},,`,
        `${source},rare,off`,
        `${source},rare,relaxed_order`,
        `${source},rare,strict_order`,
      ]),
    );
    for (const { points, queries } of curve.series) {
      expect(points.map(({ value }) => value)).toEqual([10, 20, 40, 60, 80, 100, 150, 200, 300, 400]);
      expect(queries).toBeGreaterThan(0);
      for (const { recall, low, high, p50Ms } of points) {
        expect(low).toBeLessThanOrEqual(recall);
        expect(high).toBeGreaterThanOrEqual(recall);
        expect(p50Ms).toBeGreaterThan(0);
      }
    }
    const [plain, off, relaxed] = curve.series.map(({ points }) => points.map(({ recall }) => recall));
    expect(plain!.at(-1)).toBeGreaterThan(0.99);
    expect(plain!.at(-1)).toBeGreaterThanOrEqual(plain![0]!);
    // Ten candidates, one row in a hundred: hardly any is found without going on.
    expect(off![0]).toBeLessThan(0.5);
    expect(relaxed!.at(-1)).toBeGreaterThan(0.99);

    const found = recommend(curve, 0.6);
    expect(found?.settings['hnsw.ef_search']).toMatch(/^\d+$/);
    expect(found?.settings['hnsw.iterative_scan']).toMatch(/^(relaxed|strict)_order$/);
    expect(found?.low).toBeGreaterThanOrEqual(0.6);
  });

  it('of an IVFFlat index ends with all of its lists, where nothing is missed', async () => {
    table = await openVectorTable(
      await create(),
      ROWS,
      'CREATE INDEX things_embedding_ivfflat_idx ON things USING ivfflat (embedding vector_cosine_ops) WITH (lists = 12)',
    );
    const context = await table.context({ 'index-method': 'ivfflat' });
    const curve = await measureCurve(context, await queriesOf(context), 12, () => {});
    expect(curve.setting).toBe('ivfflat.probes');
    const [rows] = curve.series;
    expect(rows?.points.map(({ value }) => value)).toEqual([1, 2, 5, 10, 12]);
    expect(rows?.points.at(-1)?.recall).toBe(1);
    expect(rows?.points[0]?.recall).toBeLessThan(1);
  });
});

describe('recommend', () => {
  const points = (...lows: number[]): Curve['series'][number]['points'] =>
    lows.map((low, at) => ({ value: 10 * 2 ** at, recall: low + 0.01, low, high: 1, p50Ms: at + 1 }));
  const curve = (...series: Partial<Curve['series'][number]>[]): Curve => ({
    setting: 'hnsw.ef_search',
    k: 10,
    series: series.map((each) => ({
      source: 'rows',
      queries: 50,
      filter: null,
      iterativeScan: null,
      points: [],
      ...each,
    })),
  });

  it('takes the smallest value that reaches the target for rows and queries', () => {
    const found = recommend(
      curve({ points: points(0.8, 0.91, 0.95) }, { source: 'queries', points: points(0.7, 0.8, 0.92) }),
      0.9,
    );
    expect(found).toEqual({
      settings: { 'hnsw.ef_search': '40' },
      recall: 0.93,
      low: 0.92,
      p50Ms: 3,
      filtersBelow: [],
    });
  });

  it('takes relaxed order where strict would need more, and never off', () => {
    const filter = 'f';
    const found = recommend(
      curve(
        { points: points(0.95, 0.96) },
        { filter, iterativeScan: 'off', points: points(0.99, 0.99) },
        { filter, iterativeScan: 'relaxed_order', points: points(0.92, 0.95) },
        { filter, iterativeScan: 'strict_order', points: points(0.8, 0.95) },
      ),
      0.9,
    );
    expect(found?.settings).toEqual({ 'hnsw.ef_search': '10', 'hnsw.iterative_scan': 'relaxed_order' });
  });

  it('names filters that never reach it, and goes by the rest', () => {
    const below = curve(
      { points: points(0.95, 0.96) },
      { filter: 'f', iterativeScan: 'strict_order', points: points(0.1, 0.2) },
    );
    const found = recommend(below, 0.9);
    expect(found).toMatchObject({ settings: { 'hnsw.ef_search': '10' }, filtersBelow: ['f'] });
    expect(curveCheck(below, 0.9, found)).toMatchObject({
      passed: true,
      remedy: expect.stringContaining('reaches the target with f') as string,
    });
  });

  it('is nothing where no value does: a failure where even the best falls short, advice where queries are few', () => {
    const short = curve({ points: points(0.5, 0.6) });
    expect(recommend(short, 0.9)).toBeNull();
    expect(curveCheck(short, 0.9, null)).toMatchObject({ passed: false, value: null, threshold: 0.9 });
    const few = curve({ queries: 5, points: [{ value: 10, recall: 1, low: 0.93, high: 1, p50Ms: 1 }] });
    expect(curveCheck(few, 0.95, recommend(few, 0.95))).toMatchObject({
      passed: true,
      remedy: expect.stringContaining('verify.samples') as string,
    });
    const close = curve({ queries: 50, points: [{ value: 80, recall: 1, low: 0.9924, high: 1, p50Ms: 1 }] });
    expect(recommend(close, 0.995)).toBeNull();
    expect(curveCheck(close, 0.995, null)).toMatchObject({
      passed: true,
      remedy: expect.stringMatching(/^Raise verify\.samples .* to 120:/) as string,
    });
  });
});
