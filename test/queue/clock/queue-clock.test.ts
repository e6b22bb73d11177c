/** A machine's clock against its queue's server's. */

import { describe, expect, it } from 'vitest';
import { QueueClock } from '../../../src/queue/clock/queue-clock.ts';

const DAY_MS = 86_400_000;

describe('the time of the queue’s server', () => {
  it('is what is told to whatever runs by it, and nobody else', async () => {
    const server = Date.now() - DAY_MS;
    const clock = new QueueClock();
    expect(clock.aheadSeconds).toBeNull();
    await clock.measure(() => Promise.resolve(server));
    const told = await clock.run(async () => {
      await Promise.resolve();
      return Date.now();
    });
    expect(told - server).toBeGreaterThanOrEqual(0);
    expect(told - server).toBeLessThan(1000);
    expect(Number.isInteger(told)).toBe(true);
    expect(Date.now() - server).toBeGreaterThanOrEqual(DAY_MS);
    expect(Math.round(clock.aheadSeconds ?? 0)).toBe(DAY_MS / 1000);
  });

  it('goes on where the machine’s clock is set, and heeds no difference that a slow answer explains', async () => {
    const server = 1_800_000_000_000;
    let wall = server;
    const clock = new QueueClock(() => wall);
    await clock.measure(() => Promise.resolve(server));
    wall += DAY_MS;
    expect(clock.now() - server).toBeLessThan(1000);
    expect(Math.round(clock.aheadSeconds ?? 0)).toBe(DAY_MS / 1000);
    const before = clock.now();
    await clock.measure(async () => {
      const until = performance.now() + 20;
      while (performance.now() < until) await Promise.resolve();
      return before + 5;
    });
    expect(clock.now() - before).toBeGreaterThanOrEqual(20);
    // A server that took over, with another clock.
    await clock.measure(() => Promise.resolve(server - DAY_MS));
    expect(Math.abs(clock.now() - server + DAY_MS)).toBeLessThan(1000);
  });
});
