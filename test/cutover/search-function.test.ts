import { describe, expect, it } from 'vitest';
import { createFunctionSql, plainSearchSql } from '../../src/cutover/search-function-sql.ts';
import { searchFunctionName } from '../../src/search/queries/sql-function.ts';
import { keyColumn } from '../table/make-key.ts';
import { makeTarget, squeeze } from '../table/make-target.ts';

const ODD = makeTarget({
  schema: 'Shop "x"',
  name: "O'Table",
  table: `"Shop ""x"""."O'Table"`,
  ref: `"O'Table"`,
  key: [keyColumn('No "1"')],
  column: 'Vec',
  where: "(status <> 'draft\\')",
  vectorPrefix: '"Ext".',
});

describe('the search function', () => {
  it('keeps its name within what PostgreSQL keeps of a name, and its beginning', () => {
    expect(searchFunctionName(makeTarget())).toBe('"public"."search_articles"');
    const name = searchFunctionName(makeTarget({ name: 'ü'.repeat(60) }));
    expect(name).toMatch(/^"public"\."search_ü{23}_[0-9a-f]{8}"$/);
    expect(name).not.toBe(searchFunctionName(makeTarget({ name: `${'ü'.repeat(59)}x` })));
  });

  it('brings its settings along, is planned for the k of the call, and quotes what it is made of', () => {
    const sql = squeeze(createFunctionSql(ODD, 'l2', { 'hnsw.ef_search': '77' }));
    expect(sql).toContain(
      `CREATE FUNCTION "Shop ""x"""."search_O'Table"(query "Ext".vector, k integer DEFAULT 10) RETURNS TABLE (key bigint, distance double precision) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET hnsw.ef_search = '77' AS E'`,
    );
    expect(sql).toContain('RETURN QUERY EXECUTE');
    expect(sql).toContain('USING query, k;');
    expect(createFunctionSql(makeTarget(), 'ip', { 'ivfflat.probes': '5' })).not.toContain('hnsw');
  });

  it('takes candidates by their bits, and gives the nearest of them', () => {
    const bits = makeTarget({ indexed: { method: 'hnsw', type: 'bit' } });
    const scan = `ORDER BY "public".binary_quantize("articles"."embedding")::bit(384) OPERATOR("public".<~>) "public".binary_quantize($1)::bit(384) LIMIT greatest($2::pg_catalog.int8 OPERATOR(pg_catalog.*) 4, pg_catalog.current_setting('hnsw.ef_search')::pg_catalog.int8)) AS pgvb_candidates ORDER BY pgvb_candidates.distance LIMIT $2`;
    const sql = squeeze(createFunctionSql(bits, 'l2', { 'hnsw.ef_search': '200' }));
    expect(sql).toContain(scan.replaceAll("'", "''''"));
    expect(sql).toContain(
      "IF (least(k, 1000) * 4) > current_setting(''hnsw.ef_search'')::int THEN PERFORM set_config(''hnsw.ef_search'', least((least(k, 1000) * 4), 1000)::text, true)",
    );
    // The whole table needs none.
    expect(sql.match(/pgvb_candidates ORDER BY/g)).toHaveLength(1);
  });

  it('has a plain query beside it, whose settings end with its transaction', () => {
    expect(
      plainSearchSql(makeTarget({ vectorPrefix: '' }), 'cosine', {
        'hnsw.ef_search': '77',
        'hnsw.iterative_scan': 'strict_order',
      }),
    ).toBe(
      [
        'BEGIN;',
        `SET LOCAL hnsw.ef_search = '77';`,
        `SET LOCAL hnsw.iterative_scan = 'strict_order';`,
        'SELECT "articles"."id" AS key, ("articles"."embedding" <=> $1::vector)::float8 AS distance',
        '  FROM "public"."articles"',
        ' WHERE (true) AND "articles"."embedding" IS NOT NULL',
        ' ORDER BY "articles"."embedding" <=> $1::vector LIMIT $2;',
        'COMMIT;',
      ].join('\n'),
    );
  });
});
