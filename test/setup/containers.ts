/** Real servers in containers. Images by env, the public ones where nothing is set. */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { GenericContainer, Wait, getContainerRuntimeClient } from 'testcontainers';

export interface StartedServer {
  url: string;
  stop(): Promise<void>;
}

const POSTGRES_IMAGE = process.env['TEST_POSTGRES_IMAGE'] ?? 'pgvector/pgvector:0.8.2-pg17';
const REDIS_IMAGE = process.env['TEST_REDIS_IMAGE'] ?? 'redis:8';
/** A machine without Docker should not wait for it; one that has to pull the image may. */
const RUNTIME_LIMIT_MS = 5000;
const START_LIMIT_MS = 120_000;

async function assertRuntime(): Promise<void> {
  const limit = new AbortController();
  try {
    await Promise.race([
      getContainerRuntimeClient(),
      delay(RUNTIME_LIMIT_MS, undefined, { signal: limit.signal }).then(() =>
        Promise.reject(new Error('Docker does not answer')),
      ),
    ]);
  } finally {
    limit.abort();
  }
}

/** Durability is off: these servers hold nothing that outlives a test. Those of the fault tests are their own. */
export async function startPostgres(): Promise<StartedServer> {
  await assertRuntime();
  const password = randomBytes(12).toString('hex');
  const container = await new GenericContainer(POSTGRES_IMAGE)
    .withEnvironment({ POSTGRES_PASSWORD: password })
    .withCommand(['postgres', '-c', 'max_connections=300', '-c', 'fsync=off', '-c', 'shared_buffers=256MB'])
    .withSharedMemorySize(1024 * 1024 * 1024)
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(START_LIMIT_MS)
    .start();
  const url = `postgres://postgres:${password}@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
  await untilAnswers(async () => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
    } finally {
      await client.end().catch(() => {});
    }
  });
  return { url, stop: async () => void (await container.stop()) };
}

export async function startRedis(): Promise<StartedServer> {
  await assertRuntime();
  const container = await new GenericContainer(REDIS_IMAGE)
    .withCommand([
      'redis-server',
      '--appendonly',
      'yes',
      '--appendfsync',
      'no',
      '--maxmemory-policy',
      'noeviction',
    ])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(START_LIMIT_MS)
    .start();
  const url = `redis://${container.getHost()}:${container.getMappedPort(6379)}`;
  await untilAnswers(async () => {
    const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
    redis.on('error', () => {});
    try {
      await redis.ping();
    } finally {
      redis.disconnect();
    }
  });
  return { url, stop: async () => void (await container.stop()) };
}

/** An open port is not yet a server: the public PostgreSQL image starts twice. */
async function untilAnswers(tryOnce: () => Promise<void>): Promise<void> {
  const end = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      await tryOnce();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await delay(100);
    }
  }
}
