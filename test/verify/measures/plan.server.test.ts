/** Why a search has no index, told apart on tables that have each of the faults. */

import { afterEach, describe, expect, it } from 'vitest';
import { createPool } from '../../../src/db/pool.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { planCheck } from '../../../src/verify/checks/plan.ts';
import { explainSearch } from '../../../src/verify/measures/plan.ts';
import { sampleRows } from '../../../src/verify/queries/sampled-rows.ts';
import { hasPostgres, realDatabase } from '../../setup/databases.ts';
import { databases, INDEX, openVectorTable, type VectorTable } from '../vector-table.ts';

const VECTOR = `[${Array.from({ length: 16 }, () => 0.5).join()}]`;
const RARE = JSON.stringify([{ name: 'rare', where: 'rare = $1', values: [true] }]);
let table: VectorTable;
afterEach(() => table.close());

describe.each(databases())('the plan on $name', ({ create }) => {
  it('is by the index on a table that is large enough, with its pages and rows', async () => {
    table = await openVectorTable(await create(), 3000);
    const context = await table.context();
    const plan = await explainSearch(context, VECTOR);
    expect(plan).toMatchObject({
      filter: null,
      node: `Index Scan using ${INDEX}`,
      usesIndex: true,
      onlyWhenForced: false,
      reason: 'index',
      cost: { forced: null },
      rows: 10,
    });
    expect(plan.buffers.hit + plan.buffers.read).toBeGreaterThan(0);
    expect(planCheck(plan, context.target)).toMatchObject({ name: 'plan', passed: true, remedy: null });
  });

  it.each([
    ['no-index', null, 'pgvector-backfill finalize'],
    ['operator', `CREATE INDEX ${INDEX} ON things USING hnsw (embedding vector_l2_ops)`, 'metric'],
    [
      'cast',
      `CREATE INDEX ${INDEX} ON things USING hnsw ((embedding::halfvec(16)) halfvec_cosine_ops)`,
      'index.type',
    ],
    [
      'partial',
      `CREATE INDEX ${INDEX} ON things USING hnsw (embedding vector_cosine_ops) WHERE rare`,
      'where',
    ],
  ])('without one says %s, and what to do', async (reason, sql, remedy) => {
    table = await openVectorTable(await create(), 300, sql);
    const context = await table.context();
    const plan = await explainSearch(context, VECTOR);
    expect(plan).toMatchObject({ usesIndex: false, reason });
    expect(planCheck(plan, context.target)).toMatchObject({
      passed: false,
      remedy: expect.stringContaining(remedy) as string,
    });
  });

  it('passes on a table so small that all of it is read', async () => {
    table = await openVectorTable(await create(), 20);
    const context = await table.context();
    const plan = await explainSearch(context, VECTOR);
    expect(plan).toMatchObject({ usesIndex: true, onlyWhenForced: true, reason: 'small-table' });
    expect(plan.cost.forced).toBeGreaterThan(plan.cost.planned);
    expect(planCheck(plan, context.target).passed).toBe(true);
  });

  it('with a filter passes where another index is cheaper', async () => {
    table = await openVectorTable(await create(), 3000);
    await table.pool.query('CREATE INDEX ON things (id) WHERE rare');
    const context = await table.context({ 'search-filters': RARE });
    const [filter] = context.settings.search.filters;
    const plan = await explainSearch(context, VECTOR, filter);
    expect(plan).toMatchObject({ filter: 'rare', usesIndex: true, reason: 'cost', rows: 10 });
    expect(planCheck(plan, context.target)).toMatchObject({ name: 'plan:rare', passed: true });
  });

  it('of a filter that is no SQL names the option', async () => {
    table = await openVectorTable(await create(), 20);
    const context = await table.context({ 'search-filters': '[{"name":"odd","where":"nothing = 1"}]' });
    const [filter] = context.settings.search.filters;
    await expect(explainSearch(context, VECTOR, filter)).rejects.toMatchObject({
      code: 'FILTER_FAILED',
      message: expect.stringContaining('odd') as string,
      remedy: expect.stringContaining('search.filters') as string,
    });
  });
});

describe.runIf(hasPostgres())('the plan on a server that is set otherwise', () => {
  it('says that index scans are turned off', async () => {
    const database = await realDatabase();
    table = await openVectorTable(database, 300);
    await table.pool.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_indexscan = off', current_database()); END $$`,
    );
    const context = await table.context();
    const pool = createPool(database.databaseUrl, { name: 'test', max: 1, logger: silentLogger });
    try {
      const plan = await explainSearch({ ...context, pool }, VECTOR);
      expect(plan.reason).toBe('disabled');
      expect(planCheck(plan, context.target)).toMatchObject({
        passed: false,
        remedy: expect.stringContaining('enable_indexscan') as string,
      });
    } finally {
      await pool.end();
    }
  });

  it('does not take a large table that is read whole for a small one', async () => {
    const database = await realDatabase();
    table = await openVectorTable(database, 12_000);
    await table.pool.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET random_page_cost = 100000', current_database()); END $$`,
    );
    const context = await table.context({ 'search-filters': RARE });
    const pool = createPool(database.databaseUrl, { name: 'test', max: 1, logger: silentLogger });
    try {
      const input = { ...context, pool };
      const plain = await explainSearch(input, VECTOR);
      expect(plain).toMatchObject({ usesIndex: true, onlyWhenForced: true, reason: 'cost-settings' });
      expect(planCheck(plain, context.target)).toMatchObject({
        passed: false,
        remedy: expect.stringContaining('random_page_cost') as string,
      });
      const [filter] = context.settings.search.filters;
      const filtered = await explainSearch(input, VECTOR, filter);
      expect(filtered.reason).toBe('filter-scan');
      expect(planCheck(filtered, context.target).passed).toBe(false);
    } finally {
      await pool.end();
    }
  });

  it('says that another vector index serves the query', async () => {
    table = await openVectorTable(
      await realDatabase(),
      3000,
      'CREATE INDEX of_somebody ON things USING hnsw (embedding vector_cosine_ops)',
    );
    const context = await table.context();
    const plan = await explainSearch(context, VECTOR);
    expect(plan).toMatchObject({ node: 'Index Scan using of_somebody', reason: 'other-index' });
    expect(planCheck(plan, context.target).passed).toBe(false);
  });

  it('says that an index is not valid', async () => {
    table = await openVectorTable(await realDatabase(), 300);
    await table.pool.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${INDEX}'::regclass`);
    const context = await table.context();
    expect((await explainSearch(context, VECTOR)).reason).toBe('invalid-index');
    expect(await sampleRows(context.pool, context.target, 300, 5)).toHaveLength(5);
  });
});
