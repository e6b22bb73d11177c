/** Doctor where the database goes away under it. */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkConnections } from '../../src/planning/checks/connections.ts';
import { createPool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { diagnose } from '../../src/planning/doctor.ts';
import {
  databases,
  dropRole,
  hasPostgres,
  onServer,
  realDatabase,
  type TestDatabase,
} from '../setup/databases.ts';
import { hashEmbedder } from '../setup/whole-run.ts';
import { makeSettings } from '../table/make-target.ts';

describe.each(databases())('doctor on $name', ({ create }) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await create({ bare: true });
  });
  afterAll(() => database.drop());

  it('closes the model, whose processes would keep the verb from ending, where it cannot go on', async () => {
    const pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text)');
    const close = vi.fn(() => Promise.resolve());
    const openEmbedder = async (): Promise<ReturnType<typeof hashEmbedder>> => {
      await pool.end();
      return { ...hashEmbedder(), close };
    };
    await expect(
      diagnose({
        pool,
        backfill: 'articles',
        settings: await makeSettings(),
        openEmbedder,
        withQueue: false,
      }),
    ).rejects.toThrow('after calling end');
    expect(close).toHaveBeenCalledOnce();
  });
});

it.runIf(hasPostgres())(
  'doctor finds that a role may not have the connections that a worker needs',
  async () => {
    const { databaseUrl } = await realDatabase();
    const role = `limited_${randomBytes(4).toString('hex')}`;
    await onServer(databaseUrl, `CREATE ROLE ${role} LOGIN PASSWORD 'limited' CONNECTION LIMIT 4`);
    const url = new URL(databaseUrl);
    url.username = role;
    url.password = 'limited';
    const check = (queue: string): Promise<object> =>
      checkConnections({ database: { url: url.href, direct: undefined }, queue });
    expect(await check('redis://nobody-is-asked')).toEqual([]);
    expect(await check(url.href)).toMatchObject([
      {
        level: 'error',
        check: 'connections',
        message: expect.stringContaining('needs 7 connections') as string,
        remedy: expect.stringContaining('CONNECTION LIMIT') as string,
      },
    ]);
    await dropRole(databaseUrl, role);
  },
);
