import { describe, expect, it } from 'vitest';
import { adviseGroups, type AdviceInput } from '../../src/verify/groups/advice.ts';
import type { CopyEffect } from '../../src/verify/groups/copy-effect.ts';
import type { Figures } from '../../src/verify/groups/group-figures.ts';
import type { DecileFigures } from '../../src/verify/groups/measure-deciles.ts';

const figures = (recall: number, p50Ms: number, short = 0): Figures => ({
  recall,
  low: recall - 0.02,
  high: Math.min(1, recall + 0.02),
  found: 10 - short,
  wanted: 10,
  short,
  queries: 12,
  p50Ms,
  p95Ms: 2 * p50Ms,
});
const decile = (number: number, changes: Partial<DecileFigures> = {}): DecileFigures => ({
  decile: number,
  groups: 5,
  rows: 500,
  minRows: 90,
  maxRows: 110,
  measuredGroups: 3,
  node: 'Index Scan',
  served: figures(1, 1),
  variants: [],
  leftOut: null,
  ...changes,
});
const COPY: CopyEffect = {
  rows: 8000,
  groupRows: 4000,
  whole: figures(0.8, 3),
  own: figures(0.99, 1),
  small: { rows: 50, whole: figures(0.5, 9), column: figures(1, 0.1) },
};
const advise = (deciles: DecileFigures[], changes: Partial<AdviceInput> = {}): [string, string | null][] =>
  adviseGroups({
    deciles,
    copy: COPY,
    recall: 0.95,
    table: '"public"."docs"',
    column: '"tenant"',
    isIndexed: true,
    ...changes,
  }).map(({ kind, sql }) => [kind, sql]);
const scan = (settings: Record<string, string>, found: Figures): DecileFigures['variants'][number] => ({
  settings,
  ...found,
});
const STRICT = { 'hnsw.iterative_scan': 'strict_order', 'hnsw.max_scan_tuples': '20000' };
const MORE = { ...STRICT, 'hnsw.max_scan_tuples': '100000' };

describe('advice for searches within groups', () => {
  it('is none where nothing is wrong', () => {
    expect(advise([decile(1), decile(2)], { isIndexed: false, copy: null })).toEqual([]);
    expect(advise([decile(1), decile(2)])).toEqual([]);
    // Right, and slower than it has to be.
    expect(advise([decile(1)], { isIndexed: false })).toEqual([]);
    const slow = decile(1, { served: figures(1, 20) });
    expect(advise([slow], { isIndexed: false })).toMatchObject([['column-index', expect.any(String)]]);
  });

  it('is the cheapest scan that mends a decile, told once for all of them', () => {
    const bad = figures(0.4, 1, 3);
    const one = decile(1, { served: bad, variants: [scan(STRICT, bad), scan(MORE, figures(0.99, 8))] });
    const two = decile(2, {
      served: bad,
      variants: [scan(STRICT, figures(0.97, 4)), scan(MORE, figures(1, 9))],
    });
    const three = decile(3, { served: bad, variants: [scan(STRICT, bad), scan(MORE, figures(0.98, 8))] });
    const found = adviseGroups({
      deciles: [one, two, three],
      copy: null,
      recall: 0.95,
      table: 't',
      column: 'c',
      isIndexed: true,
    });
    expect(found).toMatchObject([
      {
        kind: 'settings',
        detail: expect.stringMatching(
          /max_scan_tuples = 100000 mends deciles 1, 3; .*0\.400.* → recall 0\.990/,
        ) as string,
        sql: 'SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.max_scan_tuples = 100000;',
      },
      { kind: 'settings', detail: expect.stringContaining('mends decile 2') as string },
    ]);
    expect(advise([one], { isIndexed: false })).toContainEqual([
      'column-index',
      'CREATE INDEX CONCURRENTLY ON "public"."docs" ("tenant");',
    ]);
  });

  it('is an index of its own for a large group, or partitions where these are many', () => {
    const large = { minRows: 200, maxRows: 50_000, served: figures(0.8, 3) };
    expect(advise([decile(10, large)])).toEqual([
      [
        'partial-index',
        'SELECT "tenant", count(*) FROM "public"."docs" GROUP BY 1 HAVING count(*) >= 10000 ORDER BY 2 DESC;',
      ],
    ]);
    expect(advise([decile(10, { ...large, minRows: 20_000, groups: 40 })])).toEqual([['partitions', null]]);
    // Nothing that was not measured to help.
    expect(advise([decile(10, large)], { copy: { ...COPY, own: COPY.whole } })).toEqual([]);
    expect(advise([decile(10, large)], { copy: null })).toEqual([]);
    expect(advise([decile(10, { ...large, maxRows: 5000 })])).toEqual([]);
  });
});
