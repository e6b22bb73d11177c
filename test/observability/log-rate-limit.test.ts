import { describe, expect, it } from 'vitest';
import { LogRateLimit } from '../../src/observability/log-rate-limit.ts';

const MINUTE_MS = 60_000;

describe('what goes on', () => {
  it('is said once, then at growing intervals, and again once it had gone', () => {
    let now = 0;
    const again = new LogRateLimit(() => now);
    const saidAt: number[] = [];
    const look = (untilMinute: number): void => {
      for (; now <= untilMinute * MINUTE_MS; now += MINUTE_MS / 2)
        if (again.isDue('queue-paused')) saidAt.push(now / MINUTE_MS);
    };
    look(80);
    expect(saidAt).toEqual([0, 10, 30, 70]);
    expect(again.isDue('no-worker')).toBe(true);
    now = 24 * 60 * MINUTE_MS;
    look(24 * 60 + 15);
    expect(saidAt.slice(4)).toEqual([1440, 1450]);
  });
});
