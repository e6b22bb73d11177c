import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, messageOf } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { describeQueue } from '../../src/queue/address.ts';
import {
  QUEUE_ROLES,
  openQueue,
  openWorker,
  prepareQueue,
  queueName,
  reachQueue,
} from '../../src/queue/connection.ts';
import { backends, hasPostgres, realDatabase } from '../setup/databases.ts';
import { until } from '../setup/until.ts';

it('names a queue after its backfill and role', () => {
  expect(queueName('articles', 'embed')).toBe('articles-embed');
  expect(queueName('shop.Größe', 'finalize')).toBe('shop.Größe-finalize');
});

describe('describeQueue', () => {
  it.each([
    ['redis://host:6379', 'redis://host:6379'],
    ['redis://host/3', 'redis://host/3'],
    ['rediss://user:secret@host:1', 'rediss://host:1'],
    ['redis://:secret@host', 'redis://host'],
    ['redis://user:sec@ret@host', 'redis://host'],
    ['redis://user:sec/ret@host', 'redis://host'],
    ['redis://host?password=secret', 'redis://host'],
    ['redis+cluster://user:secret@a:1,b:2', 'redis+cluster://a:1,b:2'],
    ['redis+sentinel://:sec@ret@a:1,b:2/mine', 'redis+sentinel://a:1,b:2/mine'],
    ['postgres://user:secret@host:5432/db?sslpassword=secret', 'postgres://host:5432/db'],
  ])('%s is shown as %s', (url, shown) => {
    expect(describeQueue(url)).toBe(shown);
  });
});

describe.each(backends())('the queue server on $name', ({ create }) => {
  it('is reached, and prepared as often as one likes, by many at a time', async () => {
    const database = await create();
    try {
      await reachQueue(database.queueUrl);
      await Promise.all(Array.from({ length: 4 }, () => prepareQueue(database.queueUrl)));
      await prepareQueue(database.queueUrl);
    } finally {
      await database.drop();
    }
  });
});

describe.runIf(hasPostgres())('queues in PostgreSQL', () => {
  it('share one pool of connections with the workers of their process, and close it with the last of them', async () => {
    const { databaseUrl: url } = await realDatabase();
    await prepareQueue(url);
    const address = { url, backfill: 'docs', installation: '', logger: silentLogger };
    const queues = QUEUE_ROLES.map((role) => openQueue(address, role));
    const workers = QUEUE_ROLES.map((role) => openWorker(address, role, 4, () => Promise.resolve()));
    await Promise.all(
      [...queues.map(({ queue }) => queue), ...workers.map(({ worker }) => worker)].map((each) =>
        each.waitUntilReady(),
      ),
    );
    // All of them at work at once.
    await Promise.all(queues.flatMap(({ queue }) => Array.from({ length: 8 }, () => queue.getJobCounts())));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const sessions = async (): Promise<number> =>
      (
        await client.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
        )
      ).rowCount ?? 0;
    const open = await sessions();
    expect(open).toBeGreaterThan(0);
    expect(open).toBeLessThanOrEqual(8);
    await Promise.all([...workers, ...queues].map(({ close }) => close()));
    await until('the sessions of queues and workers are closed', async () => (await sessions()) === 0);
    await client.end();
  });
});

/** A server that takes note of what it is sent, and hangs up: enough to see who logs in. */
describe('a server that hangs up', () => {
  let server: Server;
  let sockets: Set<Socket>;
  let received: string;
  beforeEach(async () => {
    received = '';
    sockets = new Set();
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', (data) => {
        received += data.toString();
        socket.destroy();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it.each([
    'redis://user:hidden-word@HOST',
    'redis://user:hidden-word@HOST?family=4',
    'redis+cluster://user:hidden-word@HOST,HOST',
    'redis+sentinel://user:hidden-word@HOST,HOST/mine',
    'postgres://user:hidden-word@HOST/db',
  ])('%s: an error of configuration that says where, and no password', async (url) => {
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const address = url.replaceAll('HOST', host);
    for (const contact of [reachQueue, prepareQueue]) {
      const error: unknown = await contact(address).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({
        code: 'QUEUE_UNREACHABLE',
        remedy: expect.stringContaining('QUEUE_URL') as string,
      });
      expect(messageOf(error)).toContain(host);
      expect(messageOf(error)).not.toContain('hidden-word');
    }
  });

  it.each([
    ['plain', 'redis://u:a%3Ab%40c@HOST'],
    ['cluster', 'redis+cluster://u:a%3Ab%40c@HOST'],
    ['cluster, not encoded', 'redis+cluster://u:a:b@c@HOST'],
  ])('user and password are sent whole: %s', async (_, url) => {
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(reachQueue(url.replace('HOST', host))).rejects.toThrow(ConfigError);
    expect(received.toLowerCase()).toContain('auth\r\n$1\r\nu\r\n$5\r\na:b@c\r\n');
  });
});
