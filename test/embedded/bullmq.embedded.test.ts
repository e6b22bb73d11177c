import { FlowProducer, Queue, QueueEvents, Worker, createPostgresBackend, runMigrations } from 'bullmq';
import type { Job } from 'bullmq';
import { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useEmbeddedServer } from './harness.ts';

const server = useEmbeddedServer();
const JOBS = 200;

beforeAll(async () => {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await runMigrations(client);
  await client.end();
});

/** Options of every BullMQ class; each opens a pool and a LISTEN connection of its own. */
const options = () => ({ connection: { connectionString: server.url, max: 4 } });

test('200 jobs, a delayed and a retried one among them, go through queue, worker and events', async () => {
  const queue = new Queue('bulk', options(), createPostgresBackend);
  const events = new QueueEvents('bulk', options(), createPostgresBackend);
  await events.waitUntilReady();
  const completed = new Set<string>();
  const allCompleted = new Promise<void>((resolve) => {
    events.on('completed', ({ jobId }) => {
      completed.add(jobId);
      if (completed.size === JOBS + 2) resolve();
    });
  });
  const attempts: number[] = [];
  const worker = new Worker(
    'bulk',
    (job: Job<{ n: number }>) => {
      if (job.name === 'flaky') {
        attempts.push(job.attemptsMade);
        if (job.attemptsMade === 0) return Promise.reject(new Error('first try fails'));
      }
      return Promise.resolve(job.data.n * 2);
    },
    { ...options(), concurrency: 4 },
    createPostgresBackend,
  );
  await worker.waitUntilReady();
  try {
    const delayed = await queue.add('delayed', { n: 1 }, { delay: 300 });
    await queue.add('flaky', { n: 2 }, { attempts: 2, backoff: { type: 'fixed', delay: 50 } });
    const jobs = await queue.addBulk(
      Array.from({ length: JOBS }, (_, n) => ({ name: 'plain', data: { n } })),
    );
    await allCompleted;

    expect(await queue.getJobCounts('completed', 'failed', 'waiting', 'active', 'delayed')).toMatchObject({
      completed: JOBS + 2,
      failed: 0,
      waiting: 0,
      active: 0,
      delayed: 0,
    });
    expect(attempts).toEqual([0, 1]);
    const done = await queue.getJob(String(delayed.id));
    expect(Number(done?.processedOn) - Number(done?.timestamp)).toBeGreaterThanOrEqual(300);
    expect((await queue.getJob(String(jobs[21]?.id)))?.returnvalue).toBe(42);
  } finally {
    await worker.close();
    await events.close();
    await queue.close();
  }
});

test('a flow runs its children first, and the parent sees their results', async () => {
  const flows = new FlowProducer(options(), createPostgresBackend);
  const events = new QueueEvents('family', options(), createPostgresBackend);
  await events.waitUntilReady();
  const order: string[] = [];
  const worker = new Worker(
    'family',
    async (job: Job) => {
      order.push(job.name);
      if (job.name === 'child') return (job.data as { n: number }).n;
      const children = Object.values(await job.getChildrenValues<number>());
      return children.reduce((sum, each) => sum + each, 0);
    },
    options(),
    createPostgresBackend,
  );
  try {
    const child = (n: number) => ({ name: 'child', queueName: 'family', data: { n } });
    const tree = await flows.add({
      name: 'parent',
      queueName: 'family',
      children: [child(1), child(2), child(3)],
    });
    expect(await tree.job.waitUntilFinished(events, 30_000)).toBe(6);
    expect(order).toEqual(['child', 'child', 'child', 'parent']);
  } finally {
    await worker.close();
    await events.close();
    await flows.close();
  }
});

test('a worker that waits is woken by a notification, not by polling', async () => {
  const queue = new Queue('wake', options(), createPostgresBackend);
  let seen: ((job: Job) => void) | undefined;
  const processed = new Promise<Job>((resolve) => (seen = resolve));
  const worker = new Worker(
    'wake',
    (job: Job) => {
      seen?.(job);
      return Promise.resolve();
    },
    // An hour: only LISTEN can be what brings the job.
    { ...options(), drainDelay: 3600 },
    createPostgresBackend,
  );
  const drained = new Promise<void>((resolve) => worker.once('drained', () => resolve()));
  await worker.waitUntilReady();
  try {
    await queue.add('first', {});
    await processed;
    await drained;
    const next = new Promise<Job>((resolve) => (seen = resolve));
    const second = await queue.add('second', {});
    expect((await next).id).toBe(second.id);
  } finally {
    await worker.close();
    await queue.close();
  }
});
