/** Which rows were written before a moment, by the transaction that wrote them. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { adoptionBoundary, writtenBeforeSql } from '../../../src/ledger/run/adoption.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../../setup/databases.ts';

const ROUND = 2n ** 32n;

describe.runIf(hasPostgres())('rows of before', () => {
  const opened: { database: TestDatabase; pool: Pool }[] = [];
  async function open(): Promise<Pool> {
    const database = await realDatabase();
    const pool = createPool(database.databaseUrl, { name: 'test', max: 3, logger: silentLogger });
    opened.push({ database, pool });
    return pool;
  }
  let pool: Pool;
  let other: Pool;
  beforeAll(async () => {
    pool = await open();
    other = await open();
  });
  afterAll(async () => {
    for (const each of opened) {
      await each.pool.end();
      await each.database.drop();
    }
  });

  it.each<[string, bigint, [bigint, boolean][]]>([
    [
      'a boundary of a moment ago',
      100n,
      [
        [150n, true],
        [100n, false],
        [50n, false],
      ],
    ],
    [
      'numbers that have come round since',
      100n,
      [
        [ROUND - 200n, true],
        [2n ** 31n + 5n, true],
        [3n, false],
      ],
    ],
    [
      'a boundary so long ago that every number was given since',
      ROUND + 5n,
      [
        [150n, false],
        [5n, false],
      ],
    ],
    [
      'a server that counts from an earlier number',
      -1_000_000n,
      [
        [150n, false],
        [5n, false],
      ],
    ],
  ])('%s', async (_, back, rows) => {
    const now = await pool.query<{ next: string }>(
      'SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next',
    );
    const next = BigInt(now.rows[0]?.next ?? 0);
    for (const [ago, isBefore] of rows) {
      const xid = (((next - ago) % ROUND) + ROUND) % ROUND;
      const found = await pool.query<{ before: boolean }>(
        `SELECT ${writtenBeforeSql('made', '$1')} AS before FROM (SELECT $2::text::xid AS xmin) made`,
        [String(next - back), String(xid)],
      );
      // Other tests go on beside this one: a few numbers further is the same moment here.
      expect({ ago, before: found.rows[0]?.before }).toEqual({ ago, before: isBefore });
    }
  });

  it('a transaction under way in the same database is the boundary, and one in another is none', async () => {
    // Each in its turn; and one that is over, so that the others are told as under way and not as yet to come.
    const begin = async (from: Pool): Promise<{ xid: bigint; commit: () => Promise<void> }> => {
      const writer = await from.connect();
      await writer.query('BEGIN');
      const given = await writer.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
      const commit = async (): Promise<void> => {
        await writer.query('COMMIT');
        writer.release();
      };
      return { xid: BigInt(given.rows[0]?.xid ?? 0), commit };
    };
    const own = await begin(pool);
    const foreign = await begin(other);
    await (await begin(pool)).commit();
    const during = await adoptionBoundary(pool);
    await own.commit();
    const after = await adoptionBoundary(pool);
    await foreign.commit();
    expect(during.boundary).toBe(String(own.xid));
    expect(BigInt(after.boundary)).toBeGreaterThan(foreign.xid);
  });
});
