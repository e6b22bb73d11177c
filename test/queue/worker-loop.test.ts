/** When a worker's loop counts as stuck: where it stands still while its server answers, and never in an outage. */

import { expect, it } from 'vitest';
import { WorkerLoop } from '../../src/queue/worker-loop.ts';

function loopOf({ answers }: { answers: () => Promise<boolean> }) {
  let now = 0;
  const loop = new WorkerLoop('docs-finalize', answers, { now: () => now });
  return { loop, pass: (seconds: number) => void (now += seconds * 1000) };
}
const yes = (): Promise<boolean> => Promise.resolve(true);
const no = (): Promise<boolean> => Promise.resolve(false);

it('has no fault while it turns, and one behind two minutes of silence', async () => {
  const { loop, pass } = loopOf({ answers: yes });
  pass(119);
  expect(await loop.fault()).toBeNull();
  pass(6);
  expect(await loop.fault()).toBe(
    'nobody has looked at queue docs-finalize for 125 s, and its server answers',
  );
  loop.turned();
  expect(await loop.fault()).toBeNull();
});

it('waits through an outage of the queue server, however long: another process would wait as well', async () => {
  const { loop, pass } = loopOf({ answers: no });
  pass(24 * 3600);
  expect(await loop.fault()).toBeNull();
});

it('need not look for jobs while it has one, nor once it is being closed', async () => {
  const { loop, pass } = loopOf({ answers: yes });
  let end = (): void => {};
  const processor = loop.counting(() => new Promise<void>((resolve) => (end = resolve)));
  const job = processor(null as never, '', undefined);
  pass(4 * 3600);
  expect(await loop.fault()).toBeNull();
  end();
  await job;
  expect(await loop.fault()).toBeNull();
  pass(130);
  expect(await loop.fault()).not.toBeNull();
  loop.close();
  expect(await loop.fault()).toBeNull();
});

it('that turned while the server was asked has no fault', async () => {
  let turn = (): void => {};
  const { loop, pass } = loopOf({ answers: () => Promise.resolve(turn()).then(() => true) });
  turn = () => loop.turned();
  pass(130);
  expect(await loop.fault()).toBeNull();
});

it.each(['waitForJob', 'moveToActive'] as const)(
  '%s that ends, and one that fails, is a turn',
  async (name) => {
    const { loop, pass } = loopOf({ answers: yes });
    let fails = false;
    const look = (): Promise<unknown> =>
      fails ? Promise.reject(new Error('refused')) : Promise.resolve(null);
    const backend = { waitForJob: look, moveToActive: look, extendLock: look };
    loop.watch(backend);
    for (fails of [false, true]) {
      pass(130);
      await backend.extendLock().catch(() => {});
      expect(await loop.fault()).not.toBeNull();
      await backend[name]().catch(() => {});
      expect(await loop.fault()).toBeNull();
    }
  },
);
