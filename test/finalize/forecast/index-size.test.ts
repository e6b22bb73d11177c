import { describe, expect, it } from 'vitest';
import { ivfflatSeconds } from '../../../src/finalize/forecast/calibration.ts';
import {
  forecastIndex,
  hnswGraphBytesPerRow,
  hnswIndexBytes,
  ivfflatLists,
} from '../../../src/finalize/forecast/index-size.ts';

const GIB = 1024 ** 3;

describe('forecast', () => {
  /** For a million rows with m = 16; index sizes as measured by others for pgvector. */
  it.each([
    [384, 2.07, 1.91],
    [768, 3.5, 3.81],
    [1024, 4.45, 7.63],
    [1536, 6.36, 7.63],
  ])('%i dimensions: %f GiB to build, %f GiB on disk', (dimensions, graph, disk) => {
    const { graphBytes, indexBytes } = forecastIndex(1_000_000, dimensions, {
      method: 'hnsw',
      m: 16,
      type: 'vector',
      parallel: true,
    });
    expect(Math.abs((graphBytes ?? 0) / GIB / graph - 1)).toBeLessThan(0.01);
    expect(Math.abs(indexBytes / GIB / disk - 1)).toBeLessThan(0.01);
  });

  /** Sizes that pgvector's users reported of tables of a million rows; MB as PostgreSQL shows them. */
  it('agrees with indexes that were measured', () => {
    expect(hnswIndexBytes(1_000_000, 768, 24) / 1024 ** 2).toBeCloseTo(3906, 0);
  });

  it('foresees where the graph leaves a memory of 2 GB: the server said 570,905 rows of 768 dimensions', () => {
    const usable = 2 * GIB - 4 * 1024 * 1024;
    expect(
      Math.abs(usable / hnswGraphBytesPerRow({ dimensions: 768, m: 16, parallel: true }) / 570_905 - 1),
    ).toBeLessThan(0.003);
  });

  it('grows with rows, dimensions and m, and is nothing for no row', () => {
    const { graphBytes, indexBytes, walBytes } = forecastIndex(0, 384, {
      method: 'hnsw',
      m: 16,
      type: 'vector',
      parallel: true,
    });
    expect([graphBytes, indexBytes, walBytes]).toEqual([0, 0, 0]);
    expect(hnswGraphBytesPerRow({ dimensions: 385, m: 16, parallel: true })).toBeGreaterThan(
      hnswGraphBytesPerRow({ dimensions: 384, m: 16, parallel: true }),
    );
    expect(hnswGraphBytesPerRow({ dimensions: 384, m: 17, parallel: true })).toBeGreaterThan(
      hnswGraphBytesPerRow({ dimensions: 384, m: 16, parallel: true }),
    );
    // A row that is larger than a page would still take one.
    expect(hnswIndexBytes(10, 2000, 100)).toBe(10 * 8192);
  });

  it('scales the time of IVFFlat by the comparisons, not by the rows alone', () => {
    const distance = 1e-6;
    // 5,000 rows and 100 lists: half a second of comparisons, a second for the centres.
    const seconds = (rows: number): number => ivfflatSeconds({ rows, lists: 100 }, 5000, 1.5, distance);
    // The centres are found on 10,000 rows, however many there are.
    expect(seconds(100_000)).toBeCloseTo(2 + 10, 6);
    expect(seconds(200_000)).toBeCloseTo(2 + 20, 6);
    // More lists than the trial had: 50 rows for each, compared with each.
    expect(ivfflatSeconds({ rows: 1e6, lists: 1000 }, 5000, 1.5, distance)).toBeCloseTo(100 + 1000, 6);
    expect(ivfflatSeconds({ rows: 10_000, lists: 10 }, 5000, 0.01, 1)).toBeGreaterThan(0);
  });

  it('has no graph for IVFFlat, and lists by the number of rows', () => {
    expect(
      forecastIndex(1000, 384, { method: 'ivfflat', m: 16, type: 'vector', parallel: true }).graphBytes,
    ).toBeNull();
    expect([0, 500, 50_000, 1_000_000, 4_000_000, 10 ** 11].map((rows) => ivfflatLists(rows))).toEqual([
      1, 1, 50, 1000, 2000, 32_768,
    ]);
  });
});
