import { describe, expect, it } from 'vitest';
import { uniform } from '../../src/random.ts';
import { preferenceOf } from '../../src/relevance/preference.ts';
import { teamDraft, type Drafted } from '../../src/relevance/team-draft.ts';

const A = ['a', 'b', 'c', 'd', 'e'];
const B = ['c', 'x', 'a', 'y', 'z'];
const keysOf = (drafted: readonly Drafted[]): string[] => drafted.map(({ key }) => key);
const always = (): boolean => true;
const never = (): boolean => false;

describe('a draft', () => {
  it('picks in turn, no row twice, each side as often', () => {
    expect(teamDraft({ base: A, own: B }, 6, never)).toEqual([
      { key: 'a', side: 'base' },
      { key: 'c', side: 'own' },
      { key: 'b', side: 'base' },
      { key: 'x', side: 'own' },
      { key: 'd', side: 'base' },
      { key: 'y', side: 'own' },
    ]);
    expect(keysOf(teamDraft({ base: A, own: B }, 4, always))).toEqual(['c', 'a', 'x', 'b']);
  });

  it('has k rows where both together have them, and what one side alone has left counts for neither', () => {
    const drafted = teamDraft({ base: ['a'], own: ['a', 'b', 'c'] }, 10, never);
    expect(drafted).toEqual([
      { key: 'a', side: 'base' },
      { key: 'b', side: 'own' },
      { key: 'c', side: null },
    ]);
    expect(teamDraft({ base: ['a'], own: ['a', 'b'] }, 10, always)).toEqual([
      { key: 'a', side: null },
      { key: 'b', side: null },
    ]);
    expect(teamDraft({ base: [], own: B }, 3, never).every(({ side }) => side === null)).toBe(true);
    expect(teamDraft({ base: [], own: [] }, 3, never)).toEqual([]);
    expect(keysOf(teamDraft({ base: A, own: B }, 100, always)).toSorted()).toEqual(
      [...new Set([...A, ...B])].toSorted(),
    );
    expect(keysOf(teamDraft({ base: ['a', 'a', 'b'], own: ['b', 'b'] }, 5, never))).toEqual(['a', 'b']);
  });

  it('goes on where a shorter one ended', () => {
    const coins = [true, false, false, true, true];
    const drawn = (k: number): string[] =>
      keysOf(teamDraft({ base: A, own: B }, k, (round) => coins[round] ?? false));
    for (let k = 1; k < 8; k++) expect(drawn(7).slice(0, k)).toEqual(drawn(k));
  });

  it.each([
    ['alike', A, A, 4],
    ['overlapping', A, B, 5],
    ['of one side that has less', ['a', 'b'], B, 5],
    ['whose last row both want', ['a'], ['a', 'b'], 5],
    ['one of which is all in the other', ['c', 'a'], B, 3],
  ])('gives nobody an advantage by blind clicks: rankings %s', (_, base, own, k) => {
    // Every throw of three coins: what somebody credits who clicks every hit, weighted by its place.
    const credit = { base: 0, own: 0 };
    for (let throws = 0; throws < 8; throws++)
      for (const { side } of teamDraft({ base, own }, k, (round) => ((throws >> round) & 1) === 1))
        if (side !== null) credit[side]++;
    expect(credit.base).toBe(credit.own);
  });
});

describe('a preference', () => {
  it('is that of Chapelle and others, and its interval leaves zero out where the share leaves out one half', () => {
    const found = preferenceOf({ baseWins: 30, ownWins: 60, ties: 10 });
    expect(found.delta).toBeCloseTo((60 + 5) / 100 - 0.5, 12);
    expect(found.share).toBeCloseTo(2 / 3, 12);
    // Wilson's interval of 60 in 90, as R's prop.test without correction gives it.
    expect([found.low, found.high]).toEqual([expect.closeTo(0.564, 3), expect.closeTo(0.755, 3)]);
    expect(found.excludesZero).toBe(true);
    expect(found.deltaLow).toBeGreaterThan(0);
    const mirrored = preferenceOf({ baseWins: 60, ownWins: 30, ties: 10 });
    expect(mirrored).toMatchObject({
      excludesZero: true,
      delta: expect.closeTo(-(found.delta ?? 0), 12) as number,
    });
    expect(mirrored.deltaLow).toBeCloseTo(-found.deltaHigh, 12);
    expect(preferenceOf({ baseWins: 5, ownWins: 7, ties: 90 })).toMatchObject({ excludesZero: false });
    expect(preferenceOf({ baseWins: 0, ownWins: 0, ties: 0 })).toMatchObject({
      share: null,
      delta: null,
      excludesZero: false,
    });
    expect(preferenceOf({ baseWins: 0, ownWins: 0, ties: 3 })).toMatchObject({ share: null, delta: 0 });
  });

  it('is in its interval about as often as it says', () => {
    const random = uniform(7);
    const [truth, ties] = [0.6, 0.3];
    let held = 0;
    const trials = 400;
    for (let trial = 0; trial < trials; trial++) {
      const outcomes = { baseWins: 0, ownWins: 0, ties: 0 };
      for (let answer = 0; answer < 200; answer++) {
        if (random() < ties) outcomes.ties++;
        else if (random() < truth) outcomes.ownWins++;
        else outcomes.baseWins++;
      }
      const { deltaLow, deltaHigh } = preferenceOf(outcomes);
      const delta = (truth - 0.5) * (1 - ties);
      if (deltaLow <= delta && delta <= deltaHigh) held++;
    }
    expect(held / trials).toBeGreaterThan(0.92);
    expect(held / trials).toBeLessThan(0.99);
  });
});
