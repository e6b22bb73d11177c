import { describe, expect, it } from 'vitest';
import { recallFrom, type AskedQuery } from '../../src/watch/recall.ts';
import { judge } from '../../src/watch/verdict.ts';
import { measured, passResult as result, point, unworn } from './pass-result.ts';

describe('the verdict of a pass', () => {
  it('is good where recall is what the gate wants, and unsure where chance may have it below', () => {
    expect(judge(result())).toMatchObject({ verdict: 'good', remedy: null });
    const few = { ...point(40, 0.8), recall: { rows: measured(0.85, 5) } };
    expect(judge(result({ points: [few] }))).toMatchObject({ verdict: 'unsure' });
  });

  it('asks for another build where the index has worn out, and names the setting that helps until then', () => {
    const worn = { ...unworn, deadEntries: 0.6, deadRows: 3000 };
    const judged = judge(result({ points: [point(40, 0.7), point(80, 0.85), point(160, 0.93)], wear: worn }));
    expect(judged).toMatchObject({ verdict: 'rebuild' });
    expect(judged.detail).toContain('60.0 % of the entries');
    expect(judged.remedy).toContain('`pgvector-backfill finalize --rebuild`');
    expect(judged.remedy).toContain('hnsw.ef_search = 160');
    expect(judge(result({ points: [point(40, 0.7)], wear: { ...unworn, indexBytes: 160 } }))).toMatchObject({
      verdict: 'rebuild',
      detail: expect.stringContaining('1.6 times as large') as string,
    });
  });

  it('asks for more searching where that reaches it and nothing is worn', () => {
    const judged = judge(
      result({ points: [point(40, 0.7), point(80, 0.85), point(160, 0.93)], verified: 0.95 }),
    );
    expect(judged).toMatchObject({ verdict: 'settings' });
    expect(judged.detail).toContain('hnsw.ef_search = 160 reaches it, at 4.0 ms in place of 1.0 ms');
    expect(judged.remedy).toContain('`pgvector-backfill verify`');
  });

  it('asks for another build where recall fell and nothing else helps; else the index is too poor', () => {
    const low = { points: [point(40, 0.6), point(160, 0.7)] };
    expect(judge(result({ ...low, verified: 0.95 }))).toMatchObject({ verdict: 'rebuild' });
    const judged = judge(result(low));
    expect(judged).toMatchObject({ verdict: 'low' });
    expect(judged.remedy).toContain('index.efConstruction');
  });

  it('goes by the worse of rows and recorded searches', () => {
    const both = { ...point(40, 0.95), recall: { rows: measured(0.95), queries: measured(0.6) } };
    expect(judge(result({ points: [both] })).verdict).toBe('low');
  });

  it('tells stale vectors, and that nothing was measured', () => {
    const stale = { passed: false, worst: 0.5, tolerance: 1e-5, detail: 'largest 0.5' };
    expect(judge(result({ freshness: stale }))).toMatchObject({ verdict: 'stale' });
    const none = { points: [{ ...point(40, 0), recall: {} }] };
    expect(judge(result({ ...none, cutShort: 'its time was over' }))).toMatchObject({
      verdict: 'not-measured',
      remedy: expect.stringContaining('watch.maxSeconds') as string,
    });
    expect(judge(result(none))).toMatchObject({ verdict: 'not-measured', remedy: null });
  });
});

describe('recall from a sample', () => {
  const rows = Array.from({ length: 10 }, (_, at) => ({ key: `r${at}`, distance: at / 10 }));
  const asked = (missed: number, places = 10): AskedQuery => ({
    vector: '[1]',
    own: null,
    milliseconds: 1,
    found: rows.slice(0, places),
    truth: rows,
    missed,
  });
  const queries = (missed: number, of = 40): AskedQuery[] =>
    Array.from({ length: of }, (_, at) => asked(at < missed ? 1 : 0));

  it('is what the deepest search finds, times what that has found of the sample', () => {
    expect(recallFrom(queries(0), 0.1)).toMatchObject({ queries: 40, recall: 1, high: 1 });
    // Of 40 places' worth of sample, four were missed.
    expect(recallFrom(queries(4), 0.1)?.recall).toBeCloseTo(0.9);
    expect(recallFrom([asked(0, 5)], 0.5)?.recall).toBeCloseTo(0.5);
    expect(recallFrom([asked(9)], 0.1)).toMatchObject({ recall: 0, low: 0 });
  });

  it('is the less sure the smaller the sample is', () => {
    const widths = [1, 0.5, 0.1, 0.01].map((share) => {
      const { low, high } = recallFrom(queries(0), share)!;
      return high - low;
    });
    expect(widths).toEqual(widths.toSorted((a, b) => a - b));
    expect(widths.at(-1)).toBeGreaterThan(0.3);
  });
});
