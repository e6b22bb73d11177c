import { expect, test } from 'vitest';
import { cstring, int32, query, readErrorFields, SYNC } from '../../src/embedded/frames.ts';
import { rowOf, useEmbeddedServer } from './harness.ts';
import { bind, describePortal, execute, FLUSH, parse, startup } from './wire.ts';

const server = useEmbeddedServer();

test('the start: encryption refused, then authentication, settings, key, ready, in this order', async () => {
  const client = await server.unopenedWire();
  client.send(Buffer.concat([int32(8), int32(80_877_103)]));
  client.send(startup({ user: 'postgres', database: 'postgres', application_name: 'by hand' }));
  const refusal = await new Promise<Buffer>((resolve) => {
    client.socket.once('readable', () => resolve(client.socket.read(1) as Buffer));
  });
  expect(refusal.toString()).toBe('N');
  const messages = await client.until('Z');
  expect(messages.map((each) => each.type).join('')).toMatch(/^RS+KZ$/);
  const statuses = messages.filter((each) => each.type === 'S').map((each) => each.bytes.toString('utf8', 5));
  expect(statuses).toContain('application_name\0by hand\0');
  expect(statuses).toContain('client_encoding\0UTF8\0');
  expect(statuses.some((each) => /^server_version\0\d/.test(each))).toBe(true);
});

test('a newer minor version of the protocol is talked down', async () => {
  const client = await server.unopenedWire();
  client.send(startup({ user: 'postgres' }, 196_610));
  expect(await client.typesUntil('Z')).toMatch(/^vRS+KZ$/);
});

test('a cancel request is taken and has no effect', async () => {
  const cancel = await server.unopenedWire();
  cancel.send(Buffer.concat([int32(16), int32(80_877_102), int32(1001), int32(1)]));
  expect(await cancel.rest()).toEqual([]);
});

test('rows of a portal come in portions, with Flush in between and other clients waiting', async () => {
  const client = await server.wire();
  client.send(parse('', 'SELECT generate_series(1, 5)'), bind('', ''), describePortal(''), FLUSH);
  expect(await client.typesUntil('T')).toBe('12T');
  client.send(execute('', 2), FLUSH);
  expect(await client.typesUntil('s')).toBe('DDs');
  const other = rowOf(await server.client(), 'SELECT 1 AS one');
  client.send(execute('', 2), FLUSH);
  expect(await client.typesUntil('s')).toBe('DDs');
  client.send(execute('', 2), FLUSH);
  expect(await client.typesUntil('C')).toBe('DC');
  client.send(SYNC);
  expect(await client.typesUntil('Z')).toBe('Z');
  expect(await other).toEqual({ one: 1 });
});

test('after an error everything up to the Sync is skipped, and nothing after it', async () => {
  const client = await server.wire();
  client.send(parse('', 'SELECT 1 / (random() * 0)'), bind('', ''), execute(''), FLUSH);
  expect(await client.typesUntil('E')).toBe('12E');
  client.send(parse('', 'SELECT 1'), bind('', ''), execute(''), SYNC, query('SELECT 2'));
  expect(await client.typesUntil('Z')).toBe('Z');
  expect(await client.typesUntil('Z')).toBe('TDCZ');
});

test("the unnamed statement survives other clients' use of it", async () => {
  const [first, second] = [await server.wire(), await server.wire()];
  first.send(parse('', "SELECT 'mine'"), SYNC);
  await first.until('Z');
  second.send(parse('', "SELECT 'other', 'two columns'"), SYNC, query('SELECT 1'));
  await second.until('Z');
  await second.until('Z');
  first.send(bind('', ''), execute(''), SYNC);
  const answer = await first.until('Z');
  expect(answer.map((each) => each.type).join('')).toBe('2DCZ');
  expect(answer[1]?.bytes.toString('utf8', 11)).toBe('mine');
});

test('errors speak of statements by the names of the client', async () => {
  const client = await server.wire();
  client.send(parse('my_name', 'SELECT 1'), parse('my_name', 'SELECT 1'), SYNC);
  const answer = await client.until('Z');
  const error = answer.find((each) => each.type === 'E');
  expect(readErrorFields(error?.bytes ?? Buffer.alloc(0)).get('M')).toBe(
    'prepared statement "my_name" already exists',
  );
});

test("a message that is none ends its sender's connection, not the server", async () => {
  const client = await server.wire();
  client.send(Buffer.concat([Buffer.from('?'), int32(4)]));
  const [error] = await client.rest();
  expect(readErrorFields(error?.bytes ?? Buffer.alloc(0)).get('C')).toBe('08P01');
  expect(await rowOf(await server.client(), 'SELECT 1 AS one')).toEqual({ one: 1 });
});

test('a pipeline of queries is answered in order', async () => {
  const client = await server.wire();
  client.send(...Array.from({ length: 50 }, (_, n) => query(`SELECT ${n}`)));
  for (let n = 0; n < 50; n += 1) {
    const row = (await client.until('Z')).find((each) => each.type === 'D');
    expect(row?.bytes.toString('utf8', 11)).toBe(String(n));
  }
});

test('a query cut into single bytes is understood', async () => {
  const client = await server.wire();
  for (const byte of Buffer.concat([query('SELECT 7'), Buffer.from('X'), int32(4)]))
    client.send(Buffer.from([byte]));
  expect(await client.typesUntil('Z')).toBe('TDCZ');
  expect(await client.rest()).toEqual([]);
  expect(cstring('x').length).toBe(2);
});
