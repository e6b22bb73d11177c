import { expect, it } from 'vitest';
import { Samples } from '../../src/dashboard/samples.ts';

it('keeps the whole time in a bounded number of points', () => {
  const samples = new Samples(1);
  for (let at = 0; at < 10_000; at++) samples.add({ at, rowsPerSecond: at });
  const { points } = samples;
  expect(points.length).toBeGreaterThan(100);
  expect(points.length).toBeLessThanOrEqual(240);
  expect(points[0]?.at).toBe(0);
  expect(points.at(-1)?.at).toBeGreaterThan(9_900);
  const steps = points.slice(1).map((point, place) => point.at - (points[place]?.at ?? 0));
  expect(Math.max(...steps)).toBeLessThanOrEqual(2 * Math.min(...steps));
});
