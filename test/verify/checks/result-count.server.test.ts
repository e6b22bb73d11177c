/** The gate looks at queries that are no rows, and at what vacuum has not cleared away. */

import { afterEach, describe, expect, it } from 'vitest';
import { checkResultCount } from '../../../src/verify/checks/result-count.ts';
import { sampleRows } from '../../../src/verify/queries/sampled-rows.ts';
import { databases } from '../../setup/databases.ts';
import { openVectorTable, type VectorTable } from '../vector-table.ts';

const ROWS = 2000;
const LEFT = 100;

let table: VectorTable;
afterEach(() => table.close());

describe.each(databases())('answers over dead entries on $name', ({ create }) => {
  it('pass where the scan goes on behind them, and fail where they are all it brings, until vacuum', async () => {
    table = await openVectorTable(await create(), ROWS);
    const { pool } = table;
    await pool.query('ALTER TABLE things SET (autovacuum_enabled = off)');
    await pool.query('DELETE FROM things WHERE id % $1 <> 0', [ROWS / LEFT]);
    await pool.query('SELECT pg_stat_force_next_flush()');
    const context = await table.context();
    const vectors = (await sampleRows(pool, context.target, LEFT, 20)).map(({ vector }) => vector);
    const check = (read: Record<string, string>) => checkResultCount({ ...context, read }, vectors, LEFT);

    expect(await check({})).toMatchObject({ name: 'answers@10', passed: true, value: 10, threshold: 10 });
    const off = { 'hnsw.iterative_scan': 'off' };
    expect(await check(off)).toMatchObject({
      passed: false,
      // The table makes up for it, and the index is no good all the same.
      value: 10,
      detail: expect.stringContaining(`${ROWS - LEFT} dead rows`) as string,
      remedy: expect.stringContaining('VACUUM "public"."things"') as string,
    });
    await pool.query('VACUUM things');
    expect(await check(off)).toMatchObject({ passed: true, remedy: null });
  });
});
