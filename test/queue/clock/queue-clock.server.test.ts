/** A worker whose machine has another time than the queue's server: what it writes and takes is as that of any other. */

import { randomUUID } from 'node:crypto';
import type { Job } from 'bullmq';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/observability/logger.ts';
import { QueueClock, queueNow } from '../../../src/queue/clock/queue-clock.ts';
import {
  openQueue,
  openWorker,
  prepareQueue,
  type OpenQueue,
  type QueueAddress,
  type QueueRole,
} from '../../../src/queue/connection.ts';
import { LateJobs } from '../../../src/queue/jobs/late-jobs.ts';
import type { JobData } from '../../../src/queue/jobs/payloads.ts';
import { addEmbedJobs, scheduleSync } from '../../../src/queue/jobs/producer.ts';
import { backends, onServer, type TestDatabase } from '../../setup/databases.ts';
import { until } from '../../setup/until.ts';

const DAY_MS = 86_400_000;

describe.each(backends())('a clock that is off, on $name', ({ name, create }) => {
  const alone = name !== 'PostgreSQL and Redis';
  let database: TestDatabase;
  let right: QueueAddress;
  const opened: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    database = await create();
    await prepareQueue(database.queueUrl);
    right = await addressOf(0, randomUUID());
  });
  afterEach(async () => {
    for (const close of opened.splice(0).toReversed()) await close();
    await database.drop();
  });

  const open = (address: QueueAddress, role: QueueRole): OpenQueue => {
    const queue = openQueue(address, role);
    opened.push(queue.close);
    return queue;
  };

  async function addressOf(aheadMs: number, installation: string): Promise<QueueAddress> {
    const clock = new QueueClock(() => Math.round(performance.timeOrigin + performance.now() + aheadMs));
    const times = { stalledIntervalMs: 1 };
    const logger = silentLogger;
    const address = { url: database.queueUrl, backfill: 'docs', installation, logger, clock, times };
    await clock.measure(open(address, 'embed').time);
    return address;
  }

  it('puts the next sync and the next attempt where they belong', async () => {
    const wrong = await addressOf(DAY_MS, right.installation);
    const { queue } = open(right, 'sync');
    await scheduleSync(open(wrong, 'sync').queue, 1);
    let synced = 0;
    const syncs = openWorker(wrong, 'sync', 1, () => Promise.resolve(synced++));
    await until('it has synced twice', () => synced > 1);
    await syncs.close();
    const { next = 0 } = (await queue.getJobScheduler('sync')) ?? {};
    expect(Math.abs(next - queueNow(queue))).toBeLessThan(5000);

    const embed = open(right, 'embed').queue;
    await addEmbedJobs(embed, randomUUID(), [{ number: 1, lower: null, upper: null }], 2, true);
    let failed = false;
    // Another look of its own may come before it is closed.
    const fails = openWorker(wrong, 'embed', 1, () => {
      if (failed) return Promise.resolve();
      failed = true;
      throw new Error('this once');
    });
    await until('it has failed', () => failed);
    await fails.close();
    const ends = openWorker(right, 'embed', 1, () => Promise.resolve());
    await until('another worker has done it', async () => (await embed.getCompletedCount()) === 1);
    await ends.close();
  });

  it('what a worker of an older release has put off by a day is tried in time', async () => {
    const { queue } = open(right, 'embed');
    // One that has not asked the server, as the job fails; by its own clock it would try again in time.
    let aheadMs = 0;
    const clock = new QueueClock(() => Math.round(performance.timeOrigin + performance.now() + aheadMs));
    await addEmbedJobs(queue, randomUUID(), [{ number: 1, lower: null, upper: null }], 2, true);
    const fails = openWorker({ ...right, clock }, 'embed', 1, () => {
      aheadMs = DAY_MS;
      throw new Error('this once');
    });
    fails.worker.on('failed', () => (aheadMs = 0));
    await until('it is put off', async () => (await queue.getDelayedCount()) === 1);
    await fails.close();
    const late = new LateJobs();
    await until('it has waited for as long as it had to', async () => (await late.promote(queue, 0)) === 1);
    expect(await queue.getJobCounts('waiting', 'delayed')).toEqual({ waiting: 1, delayed: 0 });
  });

  it('takes no job of a worker that is at it', async () => {
    const wrong = await addressOf(DAY_MS, right.installation);
    const { queue } = open(right, 'embed');
    await addEmbedJobs(queue, randomUUID(), [{ number: 1, lower: null, upper: null }], 2, true);
    let finish = (): void => {};
    let holds = false;
    const holder = openWorker(right, 'embed', 1, () => {
      holds = true;
      return new Promise<void>((resolve) => (finish = resolve));
    });
    await until('a worker is at it', () => holds);
    const taken: Job<JobData>[] = [];
    const thief = openWorker(wrong, 'embed', 1, (job) => Promise.resolve(taken.push(job)));
    // The look for jobs of workers that are gone; what one look has marked is taken by the next.
    const { backend } = thief.worker as unknown as {
      backend: { moveStalledJobsToWait(): Promise<string[]> };
    };
    for (let look = 0; look < 4; look++)
      expect(await wrong.clock?.run(() => backend.moveStalledJobsToWait())).toEqual([]);
    expect(taken).toEqual([]);
    finish();
    await until('it is done', async () => (await queue.getCompletedCount()) === 1);
    await thief.close();
    await holder.close();
  });

  it('a schedule that was set by a clock ahead, or whose job was lost, is set again', async () => {
    const { queue } = open(right, 'sync');
    expect(await scheduleSync(queue, 30)).toBe('');
    const { next: first = 0 } = (await queue.getJobScheduler('sync')) ?? {};
    expect(await scheduleSync(queue, 30)).toBe('');
    expect((await queue.getJobScheduler('sync'))?.next).toBe(first);
    await queue.removeJobScheduler('sync');
    // As BullMQ does it on a machine that is a day ahead.
    const ahead = new QueueClock(() => Date.now() + DAY_MS);
    const plain = open({ ...right, clock: ahead }, 'sync');
    await scheduleSync(plain.queue, 30);
    expect((await queue.getJobScheduler('sync'))?.next).toBeGreaterThan(Date.now() + DAY_MS / 2);
    expect(await scheduleSync(queue, 30)).toMatch(
      /^the next sync was due in (?:1 d 0 h|23 h 59 min), as a clock/,
    );
    expect((await queue.getJobScheduler('sync'))?.next).toBeLessThan(queueNow(queue) + 31_000);
    expect(await scheduleSync(queue, 30)).toBe('');
    // Its jobs are gone, such as by eviction.
    await queue.drain(true);
    if (alone) await onServer(database.queueUrl, 'DELETE FROM bullmq.job');
    expect(await scheduleSync(queue, 30)).toBe('the next sync was lost from the queue');
    expect((await queue.getJobs(['waiting', 'delayed'])).length).toBe(1);
    expect(await scheduleSync(queue, 30)).toBe('');
  });

  it.runIf(alone)('a lock and a look for stalled jobs that lie in the future are set to now', async () => {
    const { queue } = open(right, 'embed');
    await addEmbedJobs(queue, randomUUID(), [{ number: 1, lower: null, upper: null }], 2, true);
    await onServer(
      database.queueUrl,
      `UPDATE bullmq.job SET state = 'active', lock_token = 'gone', locked_until_ms = ${Date.now() + DAY_MS};
       INSERT INTO bullmq.meta VALUES ('docs-embed', 'stalled-check', ${Date.now() + DAY_MS})`,
    );
    expect(await open(right, 'sync').resetTimes()).toBe(2);
    expect(await open(right, 'sync').resetTimes()).toBe(0);
    const ends = openWorker(right, 'embed', 1, () => Promise.resolve());
    await until('another worker has done it', async () => (await queue.getCompletedCount()) === 1);
    await ends.close();
  });
});
