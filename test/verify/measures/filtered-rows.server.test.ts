import { afterEach, describe, expect, it } from 'vitest';
import { filteredRowsCheck, measureFilteredRows } from '../../../src/verify/measures/filtered-rows.ts';
import { sampleRows } from '../../../src/verify/queries/sampled-rows.ts';
import { databases, openVectorTable, type VectorTable } from '../vector-table.ts';

const ROWS = 3000;
const FILTERS = JSON.stringify([
  { name: 'rare', where: 'rare = $1', values: [true] },
  { name: 'five', where: 'id <= $1 AND title LIKE $2', values: [5, 'thing%'] },
  { name: 'hostile', where: 'title = $1', values: ["x' OR true --"] },
]);

describe.each(databases())('rows of filtered searches on $name', ({ create }) => {
  let table: VectorTable;
  afterEach(() => table.close());

  it('are enough by default; where they are not, a remedy that was tried is named', async () => {
    table = await openVectorTable(await create(), ROWS);
    const context = await table.context({ 'search-filters': FILTERS });
    const [rare, five, hostile] = context.settings.search.filters;
    const vectors = (await sampleRows(context.pool, context.target, ROWS, 10)).map(({ vector }) => vector);

    const enough = await measureFilteredRows(context, rare!, vectors);
    expect(enough).toEqual({
      filter: 'rare',
      matching: ROWS / 100,
      share: 0.01,
      fewest: 10,
      wanted: 10,
      queries: 10,
      repairedBy: null,
    });
    expect(filteredRowsCheck(enough)).toMatchObject({ name: 'filter-rows:rare', passed: true, remedy: null });

    expect(await measureFilteredRows(context, five!, vectors)).toMatchObject({
      matching: 5,
      fewest: 5,
      wanted: 5,
    });
    // A value is a value: nothing of it is read as SQL.
    expect(await measureFilteredRows(context, hostile!, vectors)).toMatchObject({
      matching: 0,
      fewest: 0,
      wanted: 0,
    });

    const read = { 'hnsw.iterative_scan': 'off' };
    const few = await measureFilteredRows({ ...context, read }, rare!, vectors);
    expect(few.fewest).toBeLessThan(10);
    expect(few.repairedBy).toEqual({ 'hnsw.iterative_scan': 'strict_order' });
    expect(filteredRowsCheck(few)).toMatchObject({
      passed: false,
      value: few.fewest,
      threshold: 10,
      remedy: expect.stringContaining('hnsw.iterative_scan = strict_order') as string,
    });

    const bounded = await measureFilteredRows(
      { ...context, read: { 'hnsw.max_scan_tuples': '1' } },
      rare!,
      vectors,
    );
    expect(bounded.fewest).toBeLessThan(10);
    expect(bounded.repairedBy).toEqual({
      'hnsw.iterative_scan': 'strict_order',
      'hnsw.max_scan_tuples': String(ROWS),
    });
  });
});
