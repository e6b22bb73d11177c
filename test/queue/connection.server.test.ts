import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, messageOf } from '../../src/errors.ts';
import { describeQueue, prepareQueue, queueName, reachQueue } from '../../src/queue/connection.ts';
import { backends } from '../setup/databases.ts';

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
