import { expect, test } from 'vitest';
import { SessionLock } from '../../src/embedded/session-lock.ts';

const turns = () => new SessionLock<string>({ limitMs: 60_000, idleMs: () => 0, onStall: () => {} });

test('first come, first served; an owner goes before those who came earlier', async () => {
  const order: string[] = [];
  const queue = turns();
  const step = (owner: string, name: string, keeps: boolean) =>
    queue.run(owner, () => {
      order.push(name);
      return Promise.resolve(keeps);
    });
  const all = [step('a', 'a begins', true), step('b', 'b', false), step('c', 'c', false)];
  await all[0];
  all.push(step('a', 'a ends', false));
  await Promise.all(all);
  expect(order).toEqual(['a begins', 'a ends', 'b', 'c']);
});

test('work that fails gives the turn on, and tells its caller', async () => {
  const queue = turns();
  const failing = queue.run('a', () => Promise.reject(new Error('no')));
  const next = queue.run('b', () => Promise.resolve(false));
  await expect(failing).rejects.toThrow('no');
  await next;
  expect(queue.isOwner('a')).toBe(false);
});
