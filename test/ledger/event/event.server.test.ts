import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { listEvents, recordEvent } from '../../../src/ledger/event/event.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { databases, type TestDatabase } from '../../setup/databases.ts';

describe.each(databases())('events on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger, pinned: true });
    await migrate(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it('keep the newest of what happens again and again, and all of what happened once', async () => {
    const event = { backfill: 'docs', run: null, level: 'info', message: 'go' } as const;
    await recordEvent(pool, { ...event, kind: 'run.created', message: 'the first one' });
    await recordEvent(pool, { ...event, backfill: 'other', kind: 'throttle.go' });
    await pool.query(
      `INSERT INTO pgvector_backfill.event (backfill, level, kind, message)
       SELECT 'docs', 'info', 'throttle.go', n FROM generate_series(1, 5000) n`,
    );
    for (let last = 1; last <= 60; last++)
      await recordEvent(pool, { ...event, kind: 'throttle.go', message: `last ${last}` });
    const { rows } = await pool.query<{ backfill: string; kind: string; n: number }>(
      `SELECT backfill, kind, count(*)::int AS n FROM pgvector_backfill.event
        WHERE kind IN ('run.created', 'throttle.go') GROUP BY 1, 2 ORDER BY 1, 2`,
    );
    expect(rows).toMatchObject([
      { backfill: 'docs', kind: 'run.created', n: 1 },
      { backfill: 'docs', kind: 'throttle.go' },
      { backfill: 'other', kind: 'throttle.go', n: 1 },
    ]);
    expect(rows[1]?.n).toBeGreaterThanOrEqual(1000);
    expect(rows[1]?.n).toBeLessThan(1060);
    expect((await listEvents(pool, 'docs', 1))[0]?.message).toBe('last 60');
  });
});
