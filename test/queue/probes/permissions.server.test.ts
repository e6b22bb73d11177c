/** What a user of the queue may not do is found by doing it, before anything is changed. */

import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { withQueues } from '../../../src/planning/open-queues.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { prepareQueue, reachQueue } from '../../../src/queue/connection.ts';
import { assertQueueKeys } from '../../../src/queue/redis/key-types.ts';
import { keyPrefix } from '../../../src/queue/redis/connect.ts';
import { checkQueuePermissions } from '../../../src/queue/probes/permissions.ts';
import { backends, dropRole, hasPostgres, hasRedis, onServer, realDatabase } from '../../setup/databases.ts';
import { until } from '../../setup/until.ts';

const unusable = (words: string, remedy: string): object => ({
  name: 'ConfigError',
  message: expect.stringContaining(words) as string,
  remedy: expect.stringContaining(remedy) as string,
});

const OWN_INSTALLATION = randomUUID();
/** A database of Redis in which no other test tries a queue. */
const OWN = '/15';

describe.each(backends())('a queue on $name', ({ create }) => {
  it('is tried by a job, of which nothing is left', async () => {
    const database = await create();
    const server = database.queueUrl;
    const queueUrl = server.startsWith('redis') ? `${server}${OWN}` : server;
    await prepareQueue(queueUrl);
    await checkQueuePermissions(queueUrl);
    if (queueUrl.startsWith('redis')) {
      const redis = new Redis(queueUrl);
      await until('its keys are gone', async () => (await redis.keys('*doctor/*')).length === 0);
      await redis.quit();
    }
    await database.drop();
  });
});

describe.runIf(hasRedis())('Redis', () => {
  const server = inject('redisUrl') ?? '';
  const url = `${server}${OWN}`;
  const name = `test_${randomBytes(4).toString('hex')}`;
  let redis: Redis;
  const as = (user: string): string => url.replace('://', `://${name}_${user}:secret@`);
  beforeAll(async () => {
    redis = new Redis(url);
    const all = ['on', '>secret', '~*', '&*', '+@all'];
    const least = [
      '~{pgvector-backfill-*',
      '+@read',
      '+@write',
      '+@blocking',
      '+@scripting',
      '+@connection',
      '+info',
    ];
    for (const [user, rules] of Object.entries({
      noeval: [...all, '-@scripting'],
      noinfo: [...all, '-@dangerous'],
      noblock: [...all, '-@blocking'],
      least: ['on', '>secret', ...least],
      own: ['on', '>secret', `~${keyPrefix(OWN_INSTALLATION)}*`, ...least.slice(1)],
    }))
      await redis.call('ACL', 'SETUSER', `${name}_${user}`, ...rules);
  });
  afterAll(async () => {
    await redis.call(
      'ACL',
      'DELUSER',
      ...['noeval', 'noinfo', 'noblock', 'least', 'own'].map((user) => `${name}_${user}`),
    );
    await redis.quit();
  });

  it.each(['noeval', 'noinfo', 'noblock'])('of a user with too few rights (%s) is not used', async (user) => {
    const error: unknown = await reachQueue(as(user))
      .then(() => checkQueuePermissions(as(user)))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(unusable('NOPERM', '+@scripting'));
    expect(JSON.stringify(error)).not.toContain('secret');
    await until('its keys are gone', async () => (await redis.keys('*doctor/*')).length === 0);
  });

  it('of a user with the rights that the remedy names is used', async () => {
    await reachQueue(as('least'));
    await checkQueuePermissions(as('least'));
  });

  it('of a user whose rights end at the keys of one ledger is used for that one, and for no other', async () => {
    await checkQueuePermissions(as('own'), OWN_INSTALLATION);
    await expect(checkQueuePermissions(as('own'), randomUUID())).rejects.toMatchObject(
      unusable('NOPERM', 'ACL SETUSER'),
    );
    const address = { url: as('own'), backfill: 'docs', logger: silentLogger };
    await assertQueueKeys({ ...address, installation: OWN_INSTALLATION });
    // Before a worker is started: not as the driver throws it.
    await expect(assertQueueKeys({ ...address, installation: randomUUID() })).rejects.toMatchObject(
      unusable('its user lacks a right', 'ACL SETUSER'),
    );
    // And in the middle of a verb's work, where rights were taken meanwhile.
    const asked = withQueues({ ...address, installation: randomUUID() }, ({ embed }) =>
      embed.getJobCounts('waiting'),
    );
    await expect(asked).rejects.toMatchObject({ name: 'QueueError', code: 'QUEUE_REFUSES' });
  });

  it('of a database number that is not there is not used, and nothing lands in database 0', async () => {
    const before = await redis.dbsize();
    for (const contact of [reachQueue, prepareQueue])
      await expect(contact(`${server}/9999`)).rejects.toMatchObject(
        unusable('no database of that number', 'QUEUE_URL'),
      );
    expect(await redis.dbsize()).toBeGreaterThanOrEqual(before);
    await reachQueue(`${server}/1`);
  });
});

it.runIf(hasPostgres())(
  'PostgreSQL in which this user may make no schema names what an administrator can do',
  async () => {
    const { databaseUrl } = await realDatabase(undefined, { bare: true });
    const role = `limited_${randomBytes(4).toString('hex')}`;
    await onServer(databaseUrl, `CREATE ROLE ${role} LOGIN PASSWORD 'limited'`);
    const url = new URL(databaseUrl);
    url.username = role;
    url.password = 'limited';
    await reachQueue(url.href);
    await expect(checkQueuePermissions(url.href)).rejects.toMatchObject(
      unusable('schema bullmq', `CREATE SCHEMA IF NOT EXISTS bullmq AUTHORIZATION ${role}`),
    );
    await dropRole(databaseUrl, role);
  },
);
