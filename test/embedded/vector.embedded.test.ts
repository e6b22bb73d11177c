import { expect, test } from 'vitest';
import { rowOf, useEmbeddedServer } from './harness.ts';

const server = useEmbeddedServer();

test('pgvector: extension, HNSW index built concurrently, nearest neighbours through it', async () => {
  const client = await server.client();
  await client.query('CREATE EXTENSION IF NOT EXISTS vector');
  await client.query('CREATE TABLE items (id int PRIMARY KEY, embedding vector(3))');
  await client.query(
    `INSERT INTO items SELECT n, ARRAY[cos(n / 100.0), sin(n / 100.0), 0.1]::real[]::vector FROM generate_series(1, 500) n`,
  );
  await client.query(
    'CREATE INDEX CONCURRENTLY items_hnsw ON items USING hnsw (embedding vector_cosine_ops)',
  );
  expect(
    await rowOf(
      client,
      "SELECT indisvalid, indisready FROM pg_index WHERE indexrelid = 'items_hnsw'::regclass",
    ),
  ).toEqual({ indisvalid: true, indisready: true });
  await client.query('VACUUM (ANALYZE) items');

  await client.query('BEGIN');
  await client.query('SET LOCAL hnsw.ef_search = 100');
  await client.query('SET LOCAL enable_seqscan = off');
  const nearest = `SELECT id FROM items ORDER BY embedding <=> $1::vector LIMIT 3`;
  const target = `[${Math.cos(1)},${Math.sin(1)},0.1]`;
  const plan = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${nearest}`, [target]);
  expect(plan.rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('items_hnsw');
  const { rows } = await client.query<{ id: number }>(nearest, [target]);
  await client.query('COMMIT');
  expect(rows[0]?.id).toBe(100);
  expect(rows.map((row) => row.id).sort((a, b) => a - b)).toEqual([99, 100, 101]);
});

test('statements that refuse a transaction run with parameters and in the extended protocol, too', async () => {
  const client = await server.client();
  await client.query('CREATE TABLE bare (n int)');
  await client.query({ name: 'index', text: 'CREATE INDEX CONCURRENTLY bare_n ON bare (n)' });
  await client.query({ name: 'drop', text: 'DROP INDEX CONCURRENTLY bare_n' });
  await client.query('BEGIN');
  await expect(client.query('CREATE INDEX CONCURRENTLY bare_n ON bare (n)')).rejects.toMatchObject({
    code: '25001',
  });
  await client.query('ROLLBACK');
});

test('a setting of an extension set for a session stays with its client', async () => {
  const [first, second] = [await server.client(), await server.client()];
  await first.query('CREATE EXTENSION IF NOT EXISTS vector');
  await first.query("SELECT '[1]'::vector");
  await first.query('SET hnsw.ef_search = 200');
  expect(await rowOf(second, "SELECT current_setting('hnsw.ef_search') AS ef")).toEqual({ ef: '40' });
  expect(await rowOf(first, "SELECT current_setting('hnsw.ef_search') AS ef")).toEqual({ ef: '200' });
});
