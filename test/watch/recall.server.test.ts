/** What a pass measures, on vectors alone: in full, on a sample, and of searches that keep few rows. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Budget } from '../../src/watch/budget.ts';
import { filterOf, filteredCounts } from '../../src/watch/filtered-counts.ts';
import { askAgain, askQueries, recallFrom, type AskedQuery } from '../../src/watch/recall.ts';
import { judge } from '../../src/watch/verdict.ts';
import type { WatchPoint } from '../../src/ledger/passes/pass-result.ts';
import { passResult } from './pass-result.ts';
import { searchDepth, withDepth } from '../../src/watch/search-depth.ts';
import { sampleRows } from '../../src/verify/queries/sampled-rows.ts';
import type { SearchContext } from '../../src/verify/measures/systems.ts';
import { hasPostgres } from '../setup/databases.ts';
import { INDEX, databases, openVectorTable, type VectorTable } from '../verify/vector-table.ts';

const ROWS = 4000;
const QUERIES = 100;
const never = (): Promise<boolean> => Promise.resolve(false);
const enough = (): Budget => new Budget({ maxSeconds: 60, holds: never });

describe.each(databases())('recall in a pass, on $name', ({ create }) => {
  let table: VectorTable;
  let context: SearchContext;
  let full: AskedQuery[];
  const queries = async (seed: number): Promise<{ vector: string; own: string }[]> =>
    (await sampleRows(table.pool, context.target, ROWS, QUERIES, seed)).map(({ key, vector }) => ({
      vector,
      own: key,
    }));
  beforeAll(async () => {
    // A poor graph: there is something to miss.
    const sql = `CREATE INDEX ${INDEX} ON things USING hnsw (embedding vector_cosine_ops) WITH (m = 3, ef_construction = 8)`;
    table = await openVectorTable(await create(), ROWS, sql);
    context = await table.context({ 'index-m': '3', 'index-ef-construction': '8' });
    full = await askQueries(context, await queries(1), null, enough());
  });
  afterAll(() => table.close());

  it('tells of a sample of the table what the whole table tells, within its interval', async () => {
    const whole = recallFrom(full, 1)!;
    expect(whole.queries).toBe(QUERIES);
    expect(whole.recall).toBeGreaterThan(0.3);
    expect(whole.recall).toBeLessThan(0.9);
    const sample = { share: 0.4, seed: 7, deep: { 'hnsw.ef_search': '1000' } };
    const sampled = recallFrom(await askQueries(context, full, sample, enough()), sample.share)!;
    expect(sampled.low).toBeLessThanOrEqual(whole.recall);
    expect(sampled.high).toBeGreaterThanOrEqual(whole.recall);
    expect(sampled.high - sampled.low).toBeGreaterThan(whole.high - whole.low);
  });

  it('asks the same queries again with more of the index, and finds more', async () => {
    const depth = await searchDepth(context);
    expect(depth).toEqual({ setting: 'hnsw.ef_search', present: 40, more: [80, 160], deepest: 1000 });
    const again = await askAgain(context, full, withDepth({}, depth, 160), enough());
    const [present, more] = [recallFrom(full, 1)!, recallFrom(again!, 1)!];
    expect(more.recall).toBeGreaterThan(present.high);
    const point = (value: number, rows: typeof present): WatchPoint => ({
      value,
      recall: { rows },
      p50Ms: 1,
      p95Ms: 1,
    });
    const points = [point(40, present), point(160, more)];
    // Nothing of the index has worn out: more of it is what mends it.
    expect(judge(passResult({ points, wanted: more.recall }))).toMatchObject({
      verdict: 'settings',
      detail: expect.stringContaining('hnsw.ef_search = 160 reaches it') as string,
    });
    expect(await searchDepth({ ...context, read: { 'hnsw.ef_search': '900' } })).toMatchObject({
      more: [1000],
    });
  });

  it('draws other rows in another pass', async () => {
    const [one, other] = [await queries(1), await queries(2)];
    expect(await queries(1)).toEqual(one);
    const keys = new Set(one.map(({ own }) => own));
    expect(other.filter(({ own }) => !keys.has(own)).length).toBeGreaterThan(QUERIES / 4);
  });

  it('ends with its time, and where the database is in trouble', async () => {
    const over = new Budget({ maxSeconds: 0, holds: never });
    expect(await askQueries(context, full, null, over)).toEqual([]);
    expect(over.cutShort).toBe('its time was over');
    let looks = 0;
    const held = new Budget({ maxSeconds: 60, holds: () => Promise.resolve(++looks > 3) });
    expect(await askQueries(context, full, null, held)).toHaveLength(3);
    expect(held.cutShort).toContain('throttle');
    const stopped = new Budget({ maxSeconds: 60, holds: never, stop: AbortSignal.abort() });
    expect(await askQueries(context, full, null, stopped)).toEqual([]);
    expect(stopped.cutShort).toBe('the worker was shut down');
    // A part that is over leaves the rest.
    const whole = enough();
    expect(await whole.part(0).allows()).toBe(false);
    expect(await whole.allows()).toBe(true);
    expect(recallFrom([], 1)).toBeNull();
  });

  it.runIf(hasPostgres())('waits for nobody who alters the table', async () => {
    const client = await table.pool.connect();
    try {
      await client.query('BEGIN; LOCK TABLE things IN ACCESS EXCLUSIVE MODE');
      const budget = enough();
      expect(await askQueries(context, full, null, budget)).toEqual([]);
      expect(budget.cutShort).toBe('the table was locked');
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });

  it('counts the hits of searches that keep few rows, and how many there are', async () => {
    const vectors = full.map(({ vector }) => vector);
    const counts = await filteredCounts(context, vectors, { rows: ROWS, isWhole: true }, enough());
    const kept = async (selectivity: number): Promise<number> => {
      const { where, values } = filterOf(context.target, selectivity);
      const found = await table.pool.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM things WHERE ${where}`,
        [...values],
      );
      return found.rows[0]?.n ?? 0;
    };
    const few = await kept(0.001);
    expect(few).toBeGreaterThan(0);
    expect(few).toBeLessThan(10);
    expect(await kept(0.01)).toBeGreaterThan(20);
    expect(counts.slice(0, 2)).toMatchObject([
      { selectivity: 0.01, queries: 10, wanted: 10 },
      { selectivity: 0.001, queries: 10, wanted: few },
    ]);
    // The table is too large to be read: what nobody can tell is not asked.
    const some = await filteredCounts(context, vectors, { rows: ROWS, isWhole: false }, enough());
    expect(some.map(({ selectivity }) => selectivity)).toEqual([0.01].filter((each) => ROWS * each >= 40));
  });
});
