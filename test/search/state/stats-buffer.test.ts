import { describe, expect, it } from 'vitest';
import type { Queryable } from '../../../src/db/pool.ts';
import { StatsBuffer } from '../../../src/search/state/stats-buffer.ts';

/** A ledger that answers with an error until it is back, and what it has been asked to add. */
function ledger(): { db: Queryable; fault: Error | null; added: unknown[] } {
  const state = {
    fault: null as Error | null,
    added: [] as unknown[],
    db: {
      query: (_: string, values: unknown[] = []) => {
        if (state.fault !== null) return Promise.reject(state.fault);
        state.added.push(JSON.parse(String(values[2])));
        return Promise.resolve({ rows: [] });
      },
    } as unknown as Queryable,
  };
  return state;
}
const KEY = '2026-05-04 1 legacy';

describe('votes on interleaved answers', () => {
  it('wait for a ledger that is away, summed up', async () => {
    const kept = ledger();
    const stats = new StatsBuffer(kept.db);
    kept.fault = Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
    stats.interleaved('b', KEY, { searches: 1, ownWins: 1 });
    await stats.handOver();
    stats.interleaved('b', KEY, { searches: 1, ownWins: -1, ties: 1 });
    await stats.handOver();
    kept.fault = null;
    await stats.handOver();
    await stats.handOver();
    expect(kept.added).toEqual([{ [KEY]: { searches: 2, ownWins: 0, ties: 1 } }]);
  });

  it('are let go where the role may not write them, or somebody makes days up', async () => {
    const kept = ledger();
    const stats = new StatsBuffer(kept.db);
    kept.fault = Object.assign(new Error('not yours'), { code: '42501' });
    stats.interleaved('b', KEY, { searches: 1 });
    await stats.handOver();
    kept.fault = null;
    await stats.handOver();
    expect(kept.added).toEqual([]);
    for (let n = 0; n < 2000; n++) stats.interleaved('b', `2026-05-04 ${n} legacy`, { ownClicks: 1 });
    await stats.handOver();
    expect(Object.keys(kept.added[0] as object)).toHaveLength(1000);
  });
});
