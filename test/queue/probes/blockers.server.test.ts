/** What keeps the jobs of a queue from being taken: found, said and taken away, whoever has put it there. */

import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/observability/logger.ts';
import {
  openQueue,
  openWorker,
  prepareQueue,
  type OpenQueue,
  type QueueAddress,
} from '../../../src/queue/connection.ts';
import { readQueueSnapshot } from '../../../src/queue/probes/queue-snapshot.ts';
import {
  findBlocker,
  removeBlocker,
  resumeQueues,
  type QueueBlocker,
} from '../../../src/queue/probes/blockers.ts';
import { addEmbedJobs } from '../../../src/queue/jobs/producer.ts';
import { backends, type TestDatabase } from '../../setup/databases.ts';
import { until } from '../../setup/until.ts';

const HOUR_MS = 3_600_000;

describe.each(backends())('what is in the way on $name', ({ create }) => {
  let database: TestDatabase;
  let address: QueueAddress;
  let open: OpenQueue;
  beforeEach(async () => {
    database = await create();
    await prepareQueue(database.queueUrl);
    address = { url: database.queueUrl, backfill: 'docs', installation: randomUUID(), logger: silentLogger };
    open = openQueue(address, 'embed');
  });
  afterEach(async () => {
    await open.close();
    await database.drop();
  });

  it('is found one by one, and goes where it is not wanted', async () => {
    const { queue } = open;
    const found = async (): Promise<QueueBlocker | null> => findBlocker(queue);
    const removed = async (): Promise<boolean> => removeBlocker(queue, (await found()) as QueueBlocker);
    expect(await found()).toMatchObject({ cause: 'jobs-lost' });
    expect(await removed()).toBe(false);
    await addEmbedJobs(queue, randomUUID(), [{ number: 1, lower: null, upper: null }], 2, true);
    expect(await found()).toMatchObject({ cause: 'no-worker' });

    expect(await readQueueSnapshot(address)).toMatchObject({ paused: [] });
    await queue.pause();
    const { paused, clockAheadSeconds } = await readQueueSnapshot(address);
    expect(paused).toEqual(['docs-embed']);
    expect(Math.abs(clockAheadSeconds ?? Infinity)).toBeLessThan(2);
    expect(await found()).toMatchObject({ cause: 'queue-paused' });
    expect(await resumeQueues([queue])).toEqual([
      expect.stringContaining('docs-embed was paused by other hands'),
    ]);
    expect(await resumeQueues([queue])).toEqual([]);
    expect(await readQueueSnapshot(address)).toMatchObject({ paused: [] });

    await queue.setGlobalConcurrency(0);
    expect(await found()).toMatchObject({ cause: 'queue-limited' });
    expect(await removed()).toBe(true);
    await queue.rateLimit(HOUR_MS);
    expect(await found()).toMatchObject({ cause: 'queue-limited' });
    // A rate is somebody's will; a stop for an hour that none accounts for is not.
    await queue.setGlobalRateLimit(1, HOUR_MS);
    await queue.rateLimit(HOUR_MS);
    expect(await removed()).toBe(false);
    await queue.removeGlobalRateLimit();
    expect(await removed()).toBe(true);

    let finish = (): void => {};
    let holds = false;
    const { close } = openWorker(address, 'embed', 1, () => {
      holds = true;
      return new Promise<void>((resolve) => (finish = resolve));
    });
    await until('a worker is at it', () => holds);
    expect(await found()).toBeNull();
    finish();
    await close();
  });
});
