import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import {
  LEGACY_READS,
  parseReadMode,
  readModeOf,
  saveReadMode,
  showReadMode,
} from '../../../src/ledger/reads/read-mode.ts';
import { addReadCounts, emptyCounts, readSummary } from '../../../src/ledger/reads/read-stats.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { databases, type TestDatabase } from '../../setup/databases.ts';

describe('parseReadMode', () => {
  it.each(['legacy', 'shadow', 'vector', 'hybrid', 'canary:1', 'canary:100', 'interleave:20'])(
    'reads %s as it is shown',
    (text) => {
      const choice = parseReadMode(text);
      expect(choice === null ? null : showReadMode(choice)).toBe(text);
    },
  );

  it.each([
    '',
    'canary',
    'canary:0',
    'canary:101',
    'canary:1.5',
    'canary:-1',
    'interleave',
    'interleave:0',
    'interleave:101',
    'vector:10',
    'Vector',
    'vectors',
  ])('refuses %j', (text) => {
    expect(parseReadMode(text)).toBeNull();
  });
});

describe.each(databases())('read modes on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await migrate(pool);
    await pool.query(
      `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings)
       VALUES ('b', 't', 'id', 's', '{"column":"Vec \\"x\\"","updatedAtColumn":"at"}')`,
    );
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('are legacy where nothing was said, and never a share without a canary', async () => {
    expect(await readModeOf(pool, 'b')).toEqual({ ...LEGACY_READS, since: null, by: null });
    await saveReadMode(pool, 'b', { mode: 'canary', percent: 5 }, { by: 'anna', reason: '' });
    expect(await readModeOf(pool, 'b')).toMatchObject({ mode: 'canary', percent: 5, by: 'anna' });
    for (const wrong of [
      { mode: 'canary', percent: null },
      { mode: 'canary', percent: 0 },
      { mode: 'vector', percent: 5 },
      { mode: 'interleave', percent: 101 },
    ] as const)
      await expect(saveReadMode(pool, 'b', wrong, { by: '', reason: '' })).rejects.toMatchObject({
        code: '23514',
      });
  });

  it('are counted by many at a time without a loss, and not for a backfill that is gone', async () => {
    const counts = { ...emptyCounts(), searches: 1, overlap: 0.5, rankCorrelation: 0.25 };
    counts.legacyMs[3] = 1;
    counts.vectorMs[7] = 1;
    await Promise.all(Array.from({ length: 20 }, () => addReadCounts(pool, 'b', counts)));
    expect((await readSummary(pool, 'b')).shadow).toMatchObject({
      searches: 20,
      overlap: 0.5,
      rankCorrelation: 0.25,
    });
    const stored = await pool.query(
      'SELECT legacy_ms[4]::int AS legacy, vector_ms[8]::int AS vector FROM pgvector_backfill.read_stats',
    );
    expect(stored.rows).toEqual([{ legacy: 20, vector: 20 }]);
    await addReadCounts(pool, 'nobody', counts);
    expect((await readSummary(pool, 'nobody')).shadow).toMatchObject({ searches: 0, overlap: null });
  });

  it('come into a ledger of before with what its events say was added to the table', async () => {
    await pool.query(
      `INSERT INTO pgvector_backfill.event (backfill, level, kind, message)
       VALUES ('b', 'info', 'schema.changed', 'ALTER TABLE "t" ADD COLUMN IF NOT EXISTS "Vec ""x""" vector(3)')`,
    );
    await pool.query(
      `DROP TABLE pgvector_backfill.read_stats;
       ALTER TABLE pgvector_backfill.read_mode DROP COLUMN percent, DROP COLUMN changed_by, DROP COLUMN reason, DROP CONSTRAINT read_mode_known;
       ALTER TABLE pgvector_backfill.verification DROP COLUMN index_oid, DROP COLUMN index_definition;
       ALTER TABLE pgvector_backfill.backfill DROP COLUMN added_columns;
       DELETE FROM pgvector_backfill.migration WHERE version = 9`,
    );
    await migrate(pool);
    const added = await pool.query('SELECT added_columns FROM pgvector_backfill.backfill');
    expect(added.rows).toEqual([{ added_columns: ['Vec "x"'] }]);
  });
});
