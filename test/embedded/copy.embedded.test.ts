import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { expect, test } from 'vitest';
import { frame, cstring, query, readErrorFields, SYNC } from '../../src/embedded/frames.ts';
import { rowOf, useEmbeddedServer } from './harness.ts';
import { bind, COPY_DONE, copyData, execute, FLUSH, parse } from './wire.ts';

const server = useEmbeddedServer();
const ROWS = 20_000;
const DIMENSIONS = 384;

/** Binary COPY of (id int, embedding vector): the first component is the id, the rest are zero. */
function* binaryRows(): Generator<Buffer> {
  yield Buffer.concat([Buffer.from('PGCOPY\n\xFF\r\n\0', 'latin1'), Buffer.alloc(8)]);
  const vectorBytes = 4 + 4 * DIMENSIONS;
  for (let id = 0; id < ROWS; id += 1) {
    const row = Buffer.alloc(2 + 8 + 4 + vectorBytes);
    let at = row.writeInt16BE(2, 0);
    at = row.writeInt32BE(4, at);
    at = row.writeInt32BE(id, at);
    at = row.writeInt32BE(vectorBytes, at);
    at = row.writeInt16BE(DIMENSIONS, at);
    at = row.writeInt16BE(0, at);
    row.writeFloatBE(id, at);
    yield row;
  }
  yield Buffer.from([0xff, 0xff]);
}

const load = (client: Client, sql: string, chunks: Iterable<string | Buffer>) =>
  pipeline(Readable.from(chunks, { objectMode: false }), client.query(copyFrom(sql)));

test('20,000 rows of vector(384) by binary COPY arrive whole', async () => {
  const client = await server.client();
  await client.query('CREATE EXTENSION IF NOT EXISTS vector');
  await client.query(`CREATE TABLE staged (id int PRIMARY KEY, embedding vector(${DIMENSIONS}))`);
  await load(client, 'COPY staged (id, embedding) FROM STDIN (FORMAT binary)', binaryRows());
  expect(
    await rowOf(
      client,
      `SELECT count(*)::int AS n, sum(id)::int AS ids, sum(vector_norm(embedding))::int AS norms,
              min(vector_dims(embedding)) AS dimensions FROM staged`,
    ),
  ).toEqual({
    n: ROWS,
    ids: (ROWS * (ROWS - 1)) / 2,
    norms: (ROWS * (ROWS - 1)) / 2,
    dimensions: DIMENSIONS,
  });
});

test('text COPY, within a transaction and with a schema and quoted names; COPY out again', async () => {
  const client = await server.client();
  await client.query('CREATE TABLE "Odd ""name" (n int, t text)');
  await client.query('BEGIN');
  await load(client, '/* load */ copy public."Odd ""name" (n, t) from stdin;', ['1\tone\n2\ttw', 'o\n']);
  await client.query('COMMIT');
  const out: Buffer[] = [];
  for await (const chunk of client.query(copyTo('COPY "Odd ""name" TO STDOUT'))) out.push(chunk as Buffer);
  expect(Buffer.concat(out).toString()).toBe('1\tone\n2\ttwo\n');
});

test('a COPY rolled back leaves nothing', async () => {
  const client = await server.client();
  await client.query('CREATE TABLE undone (n int)');
  await client.query('BEGIN');
  await load(client, 'COPY undone FROM STDIN', ['1\n']);
  await client.query('ROLLBACK');
  expect(await rowOf(client, 'SELECT count(*)::int AS n FROM undone')).toEqual({ n: 0 });
});

test('a COPY that fails tells why, leaves nothing, and leaves the connection usable', async () => {
  const client = await server.client();
  await client.query('CREATE TABLE strict (n int)');
  await expect(load(client, 'COPY strict FROM STDIN', ['1\n', 'x\n', '3\n'])).rejects.toMatchObject({
    code: '22P02',
  });
  await expect(load(client, 'COPY no_such_table FROM STDIN', ['1\n'])).rejects.toMatchObject({
    code: '42P01',
  });
  expect(await rowOf(client, 'SELECT count(*)::int AS n FROM strict')).toEqual({ n: 0 });
});

test('a source that breaks off fails the COPY', async () => {
  const client = await server.client();
  await client.query('CREATE TABLE broken_off (n int)');
  const source = new Readable({ read: () => {} });
  source.push('1\n');
  const loading = pipeline(source, client.query(copyFrom('COPY broken_off FROM STDIN')));
  source.destroy(new Error('source is gone'));
  await expect(loading).rejects.toThrow('source is gone');
  expect(await rowOf(client, 'SELECT count(*)::int AS n FROM broken_off')).toEqual({ n: 0 });
});

test('a COPY run as a plain query is failed by the driver, and the connection goes on', async () => {
  const client = await server.client();
  await client.query('CREATE TABLE plain (n int)');
  await expect(client.query('COPY plain FROM STDIN')).rejects.toMatchObject({ code: '57014' });
  expect(await rowOf(client, 'SELECT 1 AS one')).toEqual({ one: 1 });
});

test('other clients work while one sends its COPY data', async () => {
  const client = await server.client();
  await client.query('CREATE TABLE slow (n int)');
  const source = new Readable({ read: () => {} });
  const loading = pipeline(source, client.query(copyFrom('COPY slow FROM STDIN')));
  source.push('1\n');
  expect(await rowOf(await server.client(), 'SELECT count(*)::int AS n FROM slow')).toEqual({ n: 0 });
  source.push('2\n');
  source.push(null);
  await loading;
  expect(await rowOf(client, 'SELECT count(*)::int AS n FROM slow')).toEqual({ n: 2 });
});

test('the extended protocol: Sync during the data is ignored, one answer at the end', async () => {
  const client = await server.wire();
  client.send(query('CREATE TABLE extended (n int)'));
  await client.until('Z');
  const begin = [parse('', 'COPY extended FROM STDIN'), bind('', ''), execute('')];
  client.send(...begin, SYNC);
  expect(await client.typesUntil('G')).toBe('G');
  client.send(copyData('1\n'), copyData('2\n'), COPY_DONE, SYNC);
  expect(await client.typesUntil('Z')).toBe('12CZ');
  client.send(...begin, FLUSH);
  await client.until('G');
  client.send(copyData('x\n'), COPY_DONE, SYNC);
  expect(await client.typesUntil('Z')).toBe('12EZ');
  client.send(parse('', 'COPY missing FROM STDIN'), bind('', ''), execute(''), SYNC);
  await client.until('G');
  client.send(frame('f', cstring('no more')), SYNC);
  expect(await client.typesUntil('Z')).toBe('12EZ');
  client.send(query('SELECT count(*) FROM extended'));
  expect((await client.until('Z'))[1]?.bytes.toString('utf8', 11)).toBe('2');
});

test('a second COPY in one query fails in words, and does not bring the server down', async () => {
  const client = await server.wire();
  client.send(query('CREATE TABLE twice (n int)'));
  await client.until('Z');
  client.send(query('COPY twice FROM STDIN; COPY twice FROM STDIN'));
  await client.until('G');
  client.send(copyData('1\n'), COPY_DONE);
  const error = (await client.until('Z')).find((each) => each.type === 'E');
  expect(readErrorFields(error?.bytes ?? Buffer.alloc(0)).get('M')).toContain(
    'one COPY FROM STDIN per query',
  );
  client.send(query('SELECT count(*) FROM twice'));
  expect((await client.until('Z'))[1]?.bytes.toString('utf8', 11)).toBe('0');
});
