import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProgressFeed, type FeedUpdate } from '../../../src/dashboard/feed/progress-feed.ts';
import { RateHistory } from '../../../src/dashboard/feed/rate-history.ts';
import type { Pool } from '../../../src/db/pool.ts';
import { silentLogger } from '../../../src/observability/logger.ts';

it('keeps the whole time in a bounded number of points', () => {
  const samples = new RateHistory(1);
  for (let at = 0; at < 10_000; at++) samples.add({ at, rowsPerSecond: at, etaSeconds: null });
  const { points } = samples;
  expect(points.length).toBeGreaterThan(100);
  expect(points.length).toBeLessThanOrEqual(240);
  expect(points[0]?.at).toBe(0);
  expect(points.at(-1)?.at).toBeGreaterThan(9_900);
  const steps = points.slice(1).map((point, place) => point.at - (points[place]?.at ?? 0));
  expect(Math.max(...steps)).toBeLessThanOrEqual(2 * Math.min(...steps));
});

describe('the feed', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('looks once for all who watch, and not at all for nobody', async () => {
    let queries = 0;
    const answer = vi.fn((): Promise<{ rows: unknown[] }> => {
      queries++;
      return Promise.resolve({ rows: [] });
    });
    const feed = new ProgressFeed({
      pool: { query: answer } as unknown as Pool,
      backfill: 'docs',
      logger: silentLogger,
      intervalMs: 1000,
    });
    const seen: FeedUpdate[][] = [[], [], []];
    const leave = seen.map((looks) => feed.watch((look) => looks.push(look)));
    await vi.advanceTimersByTimeAsync(0);
    const perLook = queries;
    await vi.advanceTimersByTimeAsync(3000);
    expect(queries).toBe(4 * perLook);
    expect(seen.map((looks) => looks.length)).toEqual([4, 4, 4]);
    expect(seen[1]?.at(-1)).toBe(seen[0]?.at(-1));

    answer.mockRejectedValue(new Error('gone'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen[2]?.at(-1)).toBeNull();
    for (const each of leave) each();
    const asked = answer.mock.calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(answer).toHaveBeenCalledTimes(asked);
    feed.close();
  });
});
