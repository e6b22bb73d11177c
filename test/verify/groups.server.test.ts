/** Searches within the groups of a skewed column, such as tenants, by their sizes. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIndexSql, wantedIndex } from '../../src/finalize/index-definition.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { saveReadSettings } from '../../src/ledger/reads/read-settings.ts';
import { groupLines } from '../../src/terminal/group-lines.ts';
import { findGroupColumn } from '../../src/verify/groups/group-column.ts';
import { groupSizes } from '../../src/verify/groups/group-sizes.ts';
import { findGroups, measureGroups, type Groups } from '../../src/verify/groups/measure-groups.ts';
import type { SearchContext } from '../../src/verify/measures/systems.ts';
import { migrate } from '../../src/db/migrate.ts';
import { openPassageTable } from '../search/passage-table.ts';
import { hasPostgres } from '../setup/databases.ts';
import { DIMENSIONS, INDEX, databases, openVectorTable, type VectorTable } from './vector-table.ts';

const ROWS = 1200;
/** Half of the rows are of one tenant, the others of sixty, each smaller than the one before. */
const TENANT = `CASE WHEN id <= 600 THEN 'large' WHEN id > 1190 THEN NULL ELSE 'tenant ' || floor(60 * power((id - 600) / 590.0, 3)) END`;
/** Lists of ten candidates that end there: of the largest tenant half of the places. */
const NARROW = { 'hnsw.iterative_scan': 'off', 'hnsw.ef_search': '10' };

let table: VectorTable;
const measure = async (context: SearchContext, column: string): Promise<Groups> =>
  measureGroups(context, await findGroups(context, column));
const withIndex = async (flags: Record<string, string>): Promise<SearchContext> => {
  const context = await table.context(flags);
  await table.pool.query('DROP INDEX IF EXISTS things_embedding_hnsw_idx, things_embedding_ivfflat_idx');
  await table.pool.query(createIndexSql(context.target, wantedIndex(context.target, context.settings, ROWS)));
  await table.pool.query('ANALYZE things');
  return context;
};

describe.each(databases())('searches within groups on $name', ({ create }) => {
  beforeAll(async () => {
    table = await openVectorTable(await create(), ROWS, null);
    await table.pool.query(
      `ALTER TABLE things ADD COLUMN tenant text, ADD COLUMN own uuid, ADD COLUMN score double precision, ADD COLUMN facts jsonb,
         ADD COLUMN plain json, ADD COLUMN same integer, ADD COLUMN third integer, ADD COLUMN "none""s" text;
       UPDATE things SET tenant = ${TENANT}, own = md5(id::text)::uuid, same = 1, third = id % 3, embedding = embedding - array_fill(0.5, ARRAY[${DIMENSIONS}])::vector`,
    );
    await table.pool.query('VACUUM FULL things');
    const { settings, target } = await table.context();
    const { database: _, queue: __, ...stored } = settings;
    await saveBackfill(table.pool, target, stored);
    await saveReadSettings(table.pool, 'things', NARROW);
  });
  afterAll(() => table.close());

  it('are measured by deciles of their sizes, with what would mend them', async () => {
    const context = await withIndex({});
    const before = (await table.pool.query('SELECT count(*) FROM pg_class')).rows;
    const groups = await measure(context, 'tenant');
    expect(groups).toMatchObject({
      column: 'tenant',
      source: 'table',
      isIndexed: false,
      groups: 62,
      rows: ROWS - 10,
      nullRows: 10,
      k: 10,
    });
    expect(groups.deciles.map(({ decile }) => decile)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(groups.deciles.reduce((sum, { rows }) => sum + rows, 0)).toBe(ROWS - 10);
    const [smallest, largest] = [groups.deciles[0], groups.deciles[9]];
    expect(largest).toMatchObject({ maxRows: 600, leftOut: null, measuredGroups: 3 });
    // Small groups are read from beginning to end, the largest by the index, whose scan ends too early.
    expect(smallest?.served).toMatchObject({ recall: 1, short: 0 });
    expect(largest?.node).toContain(INDEX);
    expect(largest?.served?.recall).toBeLessThan(0.95);
    expect(largest?.served?.short).toBeGreaterThan(0);
    const [off, relaxed, strict] = largest?.variants ?? [];
    expect(off?.short).toBeGreaterThan(0);
    for (const each of [relaxed, strict]) {
      expect(each?.short).toBe(0);
      expect(each?.recall).toBeGreaterThan(0.9);
    }
    expect(groups.advice.map(({ kind }) => kind)).toEqual(['settings', 'column-index']);
    expect(groups.advice[0]).toMatchObject({
      detail: expect.stringContaining('mends decile 10') as string,
      sql: expect.stringContaining('SET LOCAL hnsw.iterative_scan = relaxed_order;') as string,
    });
    const { effect, leftOut } = groups.copy;
    expect(leftOut).toBeNull();
    expect(effect).toMatchObject({ groupRows: 600, small: { rows: 50, column: { recall: 1, short: 0 } } });
    expect(effect?.whole.short).toBeGreaterThan(0);
    expect(effect?.own).toMatchObject({ short: 0 });
    // Nothing of it stays, and no value is told.
    expect((await table.pool.query('SELECT count(*) FROM pg_class')).rows).toEqual(before);
    const lines = groupLines(groups).join('\n');
    expect(lines).toContain(
      'Searches within the 62 groups of column tenant: 1,190 rows with a vector; 10 more have NULL',
    );
    expect(lines + JSON.stringify(groups)).not.toMatch(/tenant \d|'large'|"large"/);

    await table.pool.query('CREATE INDEX by_tenant ON things (tenant)');
    await table.pool.query('ANALYZE things');
    const indexed = await measure(context, 'tenant');
    expect(indexed.deciles[0]?.node).toContain('by_tenant');
    expect(indexed.advice.map(({ kind }) => kind)).not.toContain('column-index');
    await table.pool.query('DROP INDEX by_tenant');

    const { pool, target } = context;
    const sampled = await groupSizes(pool, target, await findGroupColumn(pool, target, 'tenant'), 100);
    expect(sampled).toMatchObject({ source: 'sample', groups: 62, rows: ROWS - 10 });
  });

  it('are measured by indexes of half vectors, of bits and of lists', async () => {
    const kinds: [Record<string, string>, least: number][] = [
      [{ 'index-type': 'halfvec' }, 0.9],
      // Sixteen bits of random vectors tell little, and graphs are drawn.
      [{ 'index-type': 'bit' }, 0.2],
      [{ 'index-method': 'ivfflat', 'index-lists': '10' }, 0.2],
    ];
    for (const [flags, least] of kinds) {
      const groups = await measure(await withIndex(flags), 'third');
      const last = groups.deciles[2]?.variants.at(-1);
      expect(last?.short).toBe(0);
      expect(last?.recall).toBeGreaterThan(least);
      expect(groups.copy).toMatchObject({ leftOut: null, effect: { own: { short: 0 } } });
    }
  });

  it('are refused where the column makes none, and say why', async () => {
    const context = await withIndex({});
    for (const [column, code, message] of [
      ['nothing', 'BY_COLUMN', 'has no column nothing'],
      ['score', 'BY_COLUMN', 'of type double precision cannot make groups'],
      ['facts', 'BY_COLUMN', 'of type jsonb cannot make groups'],
      ['plain', 'BY_COLUMN', 'its type has no order'],
      ['embedding', 'BY_COLUMN', 'cannot make groups'],
      ['own', 'BY_GROUPS', 'every row has a value of its own'],
      ['id', 'BY_GROUPS', 'every row has a value of its own'],
      ['same', 'BY_GROUPS', 'every row with a vector has the same value'],
      ['none"s', 'BY_GROUPS', 'every row with a vector has NULL there'],
    ])
      await expect(findGroups(context, column as string)).rejects.toMatchObject({
        code,
        message: expect.stringContaining(message as string) as string,
      });
  });
});

describe.runIf(hasPostgres())('searches within groups of a table beside', () => {
  it.each([
    ['of one vector a row', '1', { 'model-long-text': 'truncate' }],
    ['of passages', '1 + d.id % 4', {}],
  ])('are of rows: %s', async (_, passages, flags) => {
    const beside = await openPassageTable({ rows: 300, dimensions: 8, passages });
    try {
      const { pool } = beside;
      await pool.query(
        'ALTER TABLE docs ADD COLUMN tenant integer; UPDATE docs SET tenant = floor(sqrt(id) / 3)',
      );
      await migrate(pool);
      const groups = await measure(await beside.indexed(flags), 'tenant');
      expect(groups).toMatchObject({ rows: 300, groups: 6 });
      for (const { served, variants } of groups.deciles) {
        expect(served?.short).toBe(0);
        expect(variants.at(-1)).toMatchObject({ short: 0 });
        expect(variants.at(-1)?.recall).toBeGreaterThan(0.9);
      }
    } finally {
      await beside.drop();
    }
  });
});
