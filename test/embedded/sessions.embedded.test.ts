import { Client } from 'pg';
import { expect, test } from 'vitest';
import { PUT_BY, pinSql } from '../../src/db/search-path.ts';
import { rowOf, useEmbeddedServer } from './harness.ts';

const server = useEmbeddedServer();
const QUERIES = 2000;

test('a pool of 10 gets each of 2,000 concurrent parametrised queries its own answer', async () => {
  const pool = server.pool(10);
  const numbers = Array.from({ length: QUERIES }, (_, n) => n);
  const answers = await Promise.all(
    numbers.map(async (n) => rowOf(pool, 'SELECT $1::int AS n, $2::text AS t', [n, `text ${n}`])),
  );
  expect(answers).toEqual(numbers.map((n) => ({ n, t: `text ${n}` })));
});

test("a client may leave while another one's transaction is open", async () => {
  const [first, second] = [await server.client(), await server.client()];
  await second.query({ name: 'named', text: 'SELECT 1' });
  await first.query('BEGIN');
  await second.end();
  await first.query('COMMIT');
});

test("a second client's statement waits until the first one's transaction ends, and sees what it left", async () => {
  const [first, second] = [await server.client(), await server.client()];
  await first.query('CREATE TABLE isolation (n int)');
  await first.query('BEGIN');
  await first.query('INSERT INTO isolation VALUES (1)');
  const order: string[] = [];
  const counted = rowOf(second, 'SELECT count(*)::int AS n FROM isolation').then((row) => {
    order.push('second read');
    return row;
  });
  await first.query('INSERT INTO isolation VALUES (2)');
  await first.query('COMMIT').then(() => order.push('first committed'));
  expect(await counted).toEqual({ n: 2 });
  expect(order).toEqual(['first committed', 'second read']);
});

test('the transaction of a client whose socket closes is rolled back', async () => {
  const [first, second] = [await server.client(), await server.client()];
  await first.query('CREATE TABLE deserted (n int)');
  await first.query('BEGIN');
  await first.query('INSERT INTO deserted VALUES (1)');
  const counted = rowOf(second, 'SELECT count(*)::int AS n FROM deserted');
  (first as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  expect(await counted).toEqual({ n: 0 });
});

test('an error aborts a transaction until ROLLBACK, and only for its client', async () => {
  const [first, second] = [await server.client(), await server.client()];
  await first.query('BEGIN');
  await expect(first.query('SELECT 1/0')).rejects.toMatchObject({ code: '22012' });
  await expect(first.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
  await first.query('ROLLBACK');
  expect(await rowOf(second, 'SELECT 1 AS one')).toEqual({ one: 1 });
  expect(await rowOf(first, 'SELECT 1 AS one')).toEqual({ one: 1 });
});

test('prepared statements of the same name do not meet, and go with their client', async () => {
  const [first, second, observer] = [await server.client(), await server.client(), await server.client()];
  const named = (client: Client, text: string) => client.query<{ v: unknown }>({ name: 'same', text });
  expect((await named(first, 'SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  expect((await named(second, "SELECT 'two' AS v")).rows).toEqual([{ v: 'two' }]);
  expect((await named(first, 'SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  expect(await rowOf(observer, 'SELECT count(*)::int AS n FROM pg_prepared_statements')).toEqual({ n: 2 });
  await first.end();
  await second.end();
  await expect
    .poll(() => rowOf(observer, 'SELECT count(*)::int AS n FROM pg_prepared_statements'))
    .toEqual({ n: 0 });
});

test('settings are per client: start-up options, SET, set_config, RESET', async () => {
  const first = await server.client({
    application_name: 'first',
    options: '-c search_path=pg_catalog,public -c lock_timeout=7s',
  });
  const second = await server.client({ application_name: 'second' });
  const read = (client: Client) =>
    rowOf(
      client,
      `SELECT current_setting('application_name') AS name, current_setting('search_path') AS path,
              current_setting('lock_timeout') AS lock, current_setting('maintenance_work_mem') AS mem`,
    );
  const others = await read(second);
  expect(others).toEqual({ name: 'second', path: 'public', lock: '0', mem: '64MB' });
  expect(await read(first)).toEqual({ name: 'first', path: 'pg_catalog,public', lock: '7s', mem: '64MB' });

  await first.query("SET maintenance_work_mem = '100MB'");
  await first.query('SELECT set_config($1, $2, false)', ['application_name', 'renamed']);
  expect(await read(second)).toEqual(others);
  expect(await read(first)).toMatchObject({ name: 'renamed', mem: '100MB' });

  // What the start-up asked for is what a RESET goes back to.
  await first.query('RESET ALL');
  expect(await read(second)).toEqual(others);
  expect(await read(first)).toEqual({ name: 'first', path: 'pg_catalog,public', lock: '7s', mem: '64MB' });
});

test('SET within a transaction lasts where it commits, and is undone where it does not', async () => {
  const [first, second] = [await server.client(), await server.client()];
  const path = (client: Client) => rowOf(client, "SELECT current_setting('search_path') AS path");
  await first.query('BEGIN');
  await first.query('SET search_path = pg_catalog');
  await first.query('ROLLBACK');
  expect(await path(first)).toEqual({ path: 'public' });
  await first.query('BEGIN');
  await first.query('SET search_path = pg_catalog');
  await first.query("SELECT set_config('lock_timeout', '1s', true)");
  await first.query('COMMIT');
  expect(await path(second)).toEqual({ path: 'public' });
  expect(await path(first)).toEqual({ path: 'pg_catalog' });
  expect(await rowOf(first, "SELECT current_setting('lock_timeout') AS lock")).toEqual({ lock: '0' });
});

test('the path that one client has put by is no other client’s', async () => {
  const [first, second] = [await server.client(), await server.client()];
  for (const [client, schema] of [
    [first, 'one'],
    [second, 'another'],
  ] as const) {
    await client.query(`SET search_path = ${schema}`);
    await client.query(pinSql(false));
  }
  const putBy = (client: Client) => rowOf(client, `SELECT current_setting('${PUT_BY}') AS path`);
  expect(await putBy(first)).toEqual({ path: 'one' });
  expect(await putBy(second)).toEqual({ path: 'another' });
});

test('a start-up option that does not exist ends the connection with the reason', async () => {
  const client = new Client({ connectionString: server.url, options: '-c no_such_setting=1' });
  client.on('error', () => {});
  await client.connect();
  await expect(client.query('SELECT 1')).rejects.toMatchObject({
    code: '42704',
    message: expect.stringContaining('no_such_setting') as string,
  });
});

test('another database than the one there is does not exist', async () => {
  const client = new Client({ connectionString: server.url.replace(/postgres$/, 'other') });
  await expect(client.connect()).rejects.toMatchObject({ code: '3D000' });
});
