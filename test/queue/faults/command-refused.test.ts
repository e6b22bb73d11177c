/** Redis servers that answer, and cannot be used as they are: found before anything is changed, and said in words. */

import { ReplyError } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError, messageOf } from '../../../src/errors.ts';
import { prepareQueue, reachQueue } from '../../../src/queue/connection.ts';
import { inspectRedis } from '../../../src/queue/redis/health.ts';
import { explainRefusal } from '../../../src/queue/faults/command-refused.ts';
import { startRedisStub, type RedisStub } from '../../setup/redis-stub.ts';

let stub: RedisStub | undefined;
afterEach(() => stub?.close());

const memory = (used: number, most: number): string =>
  `used_memory:${used}\r\nmaxmemory:${most}\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n`;

async function contactOf(answers: Parameters<typeof startRedisStub>[0], user = ''): Promise<unknown> {
  stub = await startRedisStub(answers);
  const url = stub.url.replace('://', `://${user}`);
  return prepareQueue(url).catch((error: unknown) => error);
}

describe('a plain URL of a Redis Cluster', () => {
  const info = (): string => 'redis_version:8.0.0\r\ncluster_enabled:1\r\n';

  it('is refused, whichever node has the keys of today, and the one to write is named', async () => {
    const error = await contactOf(
      { info, cluster: () => 'cluster_state:ok\r\ncluster_size:3\r\n' },
      'u:secret@',
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      code: 'QUEUE_REFUSES',
      message: expect.stringContaining('a node of a Redis Cluster of 3') as string,
      remedy: expect.stringContaining(`redis+cluster://127.0.0.1:`) as string,
    });
    expect(JSON.stringify(error) + messageOf(error)).not.toContain('secret');
  });

  it('is refused where this user may not ask how large it is', async () => {
    const error = await contactOf({ info, cluster: () => '-NOPERM no permissions' });
    expect(messageOf(error)).toContain('it is a node of a Redis Cluster, each of which has');
  });

  it('of one node that has all keys is used', async () => {
    expect(
      await contactOf({ info, cluster: () => 'cluster_state:ok\r\ncluster_size:1\r\n' }),
    ).toBeUndefined();
  });
});

it('a plain URL of a Sentinel is refused, and the one to write is named', async () => {
  const error = await contactOf({ info: () => 'redis_mode:sentinel\r\n' });
  expect(error).toMatchObject({
    code: 'QUEUE_REFUSES',
    message: expect.stringContaining('it is a Sentinel') as string,
    remedy: expect.stringMatching(/redis\+sentinel:\/\/127\.0\.0\.1:\d+\/NAME/) as string,
  });
});

it('MISCONF is what it is, and not a server that is not reached', async () => {
  const said =
    '-MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.';
  stub = await startRedisStub({ info: () => 'redis_version:8\r\n', ping: () => said });
  await expect(reachQueue(stub.url)).rejects.toMatchObject({
    code: 'QUEUE_REFUSES',
    message: expect.stringContaining('cannot save its data to disk') as string,
  });
});

it.each([
  [95, 100, true],
  [50, 100, false],
  [95, 0, false],
])('of %i used bytes of %i: nearly full is %s', async (used, most, isNear) => {
  stub = await startRedisStub({ info: () => memory(used, most) });
  const warnings = await inspectRedis(stub.url);
  expect(warnings).toEqual(isNear ? [expect.stringContaining('filled 95 % of its memory')] : []);
});

it("what the queue's driver throws in the middle of a command's work is said in words, and only that", () => {
  const full = explainRefusal(
    'redis://u:secret@redis.example:6379',
    new ReplyError("OOM command not allowed when used memory > 'maxmemory'. script: 0123"),
  );
  expect(full).toMatchObject({
    name: 'BackfillError',
    code: 'QUEUE_REFUSES',
    message:
      'Cannot use the queue server at redis://redis.example:6379: it is full, and takes no writes (OOM: used memory is above maxmemory).',
  });
  expect(explainRefusal('redis://h', new Error('Connection is closed.'))).toMatchObject({
    code: 'QUEUE_UNREACHABLE',
  });
  const others = new Error('deadlock detected');
  expect(explainRefusal('redis://h', others)).toBe(others);
});
