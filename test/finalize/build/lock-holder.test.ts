/** What the look at the holder of the lock makes of what the server says. */

import { expect, it } from 'vitest';
import type { BuildInput } from '../../../src/finalize/build/attempt.ts';
import { LockHolders } from '../../../src/finalize/build/lock-holder.ts';

it.each([
  ['a session that ends and is out of the statistics', true, []],
  ['one that has no name and is there', false, ['index.lock-held']],
])('says of %s whether it has to be ended', async (_, isEnding, expected) => {
  const kinds: string[] = [];
  const holder = { pid: 7, application: '', state: 'unknown', waitEvent: null, ageSeconds: null };
  const input = {
    pool: { query: () => Promise.resolve({ rows: [{ ...holder, isEnding }] }) },
    onEvent: ({ kind }: { kind: string }) => Promise.resolve(void kinds.push(kind)),
  };
  const found = await new LockHolders(input as unknown as BuildInput).look([1, 'docs']);
  expect(found).toEqual({
    phase: 'waiting for another finalizer',
    share: null,
    blockers: [holder],
    workers: 0,
  });
  expect(kinds).toEqual(expected);
});
