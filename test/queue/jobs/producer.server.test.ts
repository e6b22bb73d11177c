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
import {
  embedJobData,
  embedJobId,
  finalizeJobId,
  parseEmbedJob,
  parseFinalizeJob,
} from '../../../src/queue/jobs/payloads.ts';
import { addEmbedJobs, addFinalizeJob } from '../../../src/queue/jobs/producer.ts';
import { backends, type TestDatabase } from '../../setup/databases.ts';

describe('job data', () => {
  const run = randomUUID();
  it('has ids that BullMQ takes: no colon, no integer', () => {
    for (const id of [embedJobId(run, 1), finalizeJobId(run, 'asked')]) {
      expect(id).not.toContain(':');
      expect(id).not.toMatch(/^\d+$/);
    }
  });

  it('is refused where it is forged, cut off or of another version', () => {
    const good = embedJobData(run, 3, '1', null);
    expect(parseEmbedJob(good)).toEqual(good);
    for (const bad of [
      null,
      'x',
      {},
      { ...good, format: 2 },
      { ...good, run: 'not-a-uuid' },
      { ...good, batch: 0 },
      { ...good, batch: '3; DROP TABLE' },
      { ...good, sql: 'DELETE' },
      { format: 1, run },
    ]) {
      expect(parseEmbedJob(bad)).toBeNull();
      expect(parseFinalizeJob(bad)).toBeNull();
    }
  });
});

describe.each(backends())('the producer on $name', ({ create }) => {
  let database: TestDatabase;
  let address: QueueAddress;
  let open: OpenQueue;
  const run = randomUUID();
  const batches = Array.from({ length: 5 }, (_, n) => ({
    number: n + 1,
    lower: n === 0 ? null : String(n),
    upper: String(n + 1),
  }));
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

  it('adds each job once, however often it is asked', async () => {
    expect(await addEmbedJobs(open.queue, run, batches, 3, true)).toBe(5);
    expect(await addEmbedJobs(open.queue, run, batches, 3, false)).toBe(0);
    expect(await open.queue.getWaitingCount()).toBe(5);
    expect(await addFinalizeJob(open.queue, run, 'asked')).toBe(true);
    expect(await addFinalizeJob(open.queue, run, 'asked')).toBe(false);
    expect(await addFinalizeJob(open.queue, run, 'last-batch')).toBe(true);
  });

  it('adds a job again whose last one completed or failed, as the ledger knows better', async () => {
    await addEmbedJobs(open.queue, run, batches, 1, true);
    let seen = 0;
    let allSeen = (): void => {};
    const done = new Promise<void>((resolve) => {
      allSeen = resolve;
    });
    const worker = openWorker(address, 'embed', 1, (job) =>
      parseEmbedJob(job.data)?.batch === 2 ? Promise.reject(new Error('no')) : Promise.resolve(null),
    );
    const count = (): void => {
      seen++;
      if (seen === 5) allSeen();
    };
    worker.worker.on('completed', count);
    worker.worker.on('failed', count);
    await done;
    await worker.close();
    expect(await open.queue.getJobCounts('completed', 'failed')).toMatchObject({ completed: 4, failed: 1 });
    expect(await addEmbedJobs(open.queue, run, batches, 1, false)).toBe(5);
    expect(await open.queue.getWaitingCount()).toBe(5);
  });
});
