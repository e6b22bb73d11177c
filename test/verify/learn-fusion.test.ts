import { describe, expect, it } from 'vitest';
import { uniform } from '../../src/random.ts';
import { EQUAL_FUSION } from '../../src/ledger/reads/fusion.ts';
import { learnt } from '../../src/verify/measures/learn-fusion.ts';

const ROWS = 1000;

/** Rankings of rows in which the relevant one stands at a place drawn up to `worst`; nowhere, below some sixty. */
function rankings(queries: number, worst: { near: number; words: number }, seed: number) {
  const random = uniform(seed);
  const ranking = (relevant: number, place: number): string[] => {
    const others = Array.from({ length: 60 }, () => 1 + Math.floor(random() * ROWS)).filter(
      (row) => row !== relevant,
    );
    return [...new Set(others.map(String))].toSpliced(place, 0, ...(place > 60 ? [] : [String(relevant)]));
  };
  return Array.from({ length: queries }, () => {
    const relevant = 1 + Math.floor(random() * ROWS);
    const place = (below: number): number => Math.floor(random() * below);
    return {
      near: ranking(relevant, place(worst.near)).map((key, at) => ({ key, distance: at / 100 })),
      words: ranking(relevant, place(worst.words)),
      grades: new Map([[String(relevant), 1]]),
    };
  });
}

describe('what a hybrid learns', () => {
  it('gives words little weight where they find little, and recommends vectors where it is no better', () => {
    const worst = { near: 3, words: 100_000 };
    const found = learnt(rankings(60, worst, 1), rankings(60, worst, 2));
    expect(found).toMatchObject({ learntOn: 60, reportedOn: 60, recommended: 'vector' });
    expect(found.settings.words).toBeLessThan(0.5);
    expect(found.hybrid.ndcg10).toBeGreaterThan(found.equal.ndcg10 + 0.1);
    expect(found.equal.difference?.high).toBeLessThan(0);
    expect(found.vector.difference).toBeNull();
  });

  it('gives words more weight than vectors where they find more, and recommends the hybrid that is better', () => {
    const worst = { near: 100_000, words: 3 };
    const found = learnt(rankings(60, worst, 3), rankings(60, worst, 4));
    expect(found.settings.words).toBeGreaterThan(1);
    expect(found.recommended).toBe('hybrid');
    expect(found.hybrid.difference?.low).toBeGreaterThan(0);
  });

  it('reports of queries that it has not learnt on, as they are served', () => {
    const one = rankings(60, { near: 3, words: 100_000 }, 5);
    const other = rankings(40, { near: 100_000, words: 3 }, 6);
    const found = learnt(one, other);
    expect(found).toMatchObject({ learntOn: 60, reportedOn: 40 });
    expect(found.settings.words).toBeLessThan(1);
    expect(found.hybrid.ndcg10).toBeLessThan(found.equal.ndcg10);
  });

  it('stays with equal weights where none is better', () => {
    const none = rankings(60, { near: 1, words: 1 }, 7);
    expect(learnt(none, none).settings).toEqual(EQUAL_FUSION);
  });
});
