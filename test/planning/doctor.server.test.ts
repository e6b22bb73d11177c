/** Doctor where the database goes away under it. */

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { diagnose } from '../../src/planning/doctor.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder } from '../setup/small-road.ts';
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
