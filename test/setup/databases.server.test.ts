/** What every suite stands on: databases that share nothing. */

import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { backends, hasPostgres, hasRedis, type TestDatabase } from './databases.ts';

async function connect(database: TestDatabase): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.databaseUrl });
  client.on('error', () => {});
  await client.connect();
  return client;
}

it('names every backend that the servers under test make up', () => {
  expect(backends().map(({ name }) => name)).toEqual([
    ...(hasRedis() ? ['PostgreSQL and Redis'] : []),
    ...(hasPostgres() ? ['PostgreSQL alone'] : []),
    ...(hasPostgres() ? [] : ['embedded']),
  ]);
});

describe.each(backends())('a test database on $name', ({ name, create }) => {
  it('is its own, with pgvector at hand, and its queue where the backend has it', async () => {
    const [one, other] = await Promise.all([create(), create()]);
    const clients = await Promise.all([connect(one), connect(other)]);
    for (const client of clients) {
      await client.query('CREATE EXTENSION IF NOT EXISTS vector');
      await client.query('CREATE TABLE same_name (v vector(2))');
      const { rows } = await client.query(
        `SELECT '[3,4]'::vector <-> '[0,0]' AS distance, count(*)::int AS n FROM same_name`,
      );
      expect(rows).toEqual([{ distance: 5, n: 0 }]);
      await client.end();
    }
    expect(one.queueUrl.startsWith('redis')).toBe(name === 'PostgreSQL and Redis');
    await Promise.all([one.drop(), other.drop()]);
  });
});
