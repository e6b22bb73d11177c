/** One enqueue at a time, and none that is kept waiting by a process that is gone. */

import { once, EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { withSchemaLease } from '../../src/planning/schema-lease.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';

const TIMES = { lease: 2000, renewal: 100, look: 50 };

describe.each(databases())('turns on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await migrate(pool);
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });
  const turns = async (): Promise<number> =>
    (await pool.query('SELECT 1 FROM pgvector_backfill.turn')).rowCount ?? 0;

  it('are one at a time for a backfill, held longer than a lease, and given back whatever happens', async () => {
    const signals = new EventEmitter();
    const begun = once(signals, 'begun');
    const ended = once(signals, 'end');
    const first = withSchemaLease(
      pool,
      'docs',
      'rollback',
      async () => {
        signals.emit('begun');
        await ended;
        return 'done';
      },
      TIMES,
    );
    await begun;
    const started = performance.now();
    while (performance.now() - started < TIMES.lease * 1.2)
      await expect(
        withSchemaLease(pool, 'docs', 'enqueue', () => Promise.resolve(), TIMES),
      ).rejects.toMatchObject({
        code: 'ENQUEUE_BUSY',
        message: 'Another rollback of docs is under way.',
      });
    expect(await withSchemaLease(pool, 'others', 'enqueue', () => Promise.resolve('beside'), TIMES)).toBe(
      'beside',
    );
    signals.emit('end');
    expect(await first).toBe('done');
    await expect(
      withSchemaLease(pool, 'docs', 'enqueue', () => Promise.reject(new Error('no')), TIMES),
    ).rejects.toThrow('no');
    expect(await turns()).toBe(0);
  });

  it('go to the next one once nobody renews the lease, and whoever was overtaken stops', async () => {
    await pool.query(
      `INSERT INTO pgvector_backfill.turn VALUES ('docs', gen_random_uuid(), 'enqueue', now() + interval '400 ms')`,
    );
    expect(await withSchemaLease(pool, 'docs', 'enqueue', () => Promise.resolve('taken'), TIMES)).toBe(
      'taken',
    );
    const overtaken = withSchemaLease(
      pool,
      'docs',
      'enqueue',
      async () => {
        await pool.query(
          `UPDATE pgvector_backfill.turn SET holder = gen_random_uuid(), leased_until = now() + interval '1 hour'`,
        );
        return new Promise<never>(() => {});
      },
      TIMES,
    );
    await expect(overtaken).rejects.toMatchObject({ code: 'TURN_LOST' });
    // The other one's lease is not ours to give back.
    expect(await turns()).toBe(1);
  });
});
