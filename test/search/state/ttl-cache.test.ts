import { describe, expect, it } from 'vitest';
import { TtlCache } from '../../../src/search/state/ttl-cache.ts';

describe('Held', () => {
  it('fetches again once the last fetch began so long ago, also where that one took long', async () => {
    let now = 0;
    let loads = 0;
    const held = new TtlCache(
      async () => {
        now += 400;
        return ++loads;
      },
      1000,
      { now: () => now },
    );
    expect(await held.get()).toBe(1);
    now = 999;
    expect(await held.get()).toBe(1);
    now = 1000;
    expect(await held.get()).toBe(2);
  });

  it('fetches once for all who ask at a time, and again after a failure', async () => {
    let loads = 0;
    const held = new TtlCache(
      async () => {
        if (++loads === 1) throw new Error('not now');
        return loads;
      },
      1000,
      { now: () => 0 },
    );
    const both = await Promise.allSettled([held.get(), held.get()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(loads).toBe(1);
    expect(await Promise.all([held.get(), held.get()])).toEqual([2, 2]);
  });
});
