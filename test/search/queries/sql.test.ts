import { describe, expect, it } from 'vitest';
import { legacyQuery, legacySql } from '../../../src/search/queries/legacy-query.ts';
import { forDepth } from '../../../src/ledger/reads/read-settings.ts';
import { anyWord, textRankSql } from '../../../src/search/queries/text-query.ts';
import { nearestSql, nearestValues } from '../../../src/search/queries/vector-query.ts';
import { keyColumn } from '../../table/make-key.ts';
import { makeSettings, makeTarget, squeeze } from '../../table/make-target.ts';

const ODD = makeTarget({
  schema: 'Shop "x"',
  name: 'My.Table',
  table: '"Shop ""x"""."My.Table"',
  ref: '"My.Table"',
  key: [keyColumn('No "1"')],
  column: 'Vec',
  where: "(status <> 'draft')",
  vectorPrefix: '"Ext".',
});

describe('nearestSql', () => {
  it('is the one shape that an index serves: ORDER BY column, operator, constant, LIMIT', () => {
    expect(squeeze(nearestSql(makeTarget({ vectorPrefix: '' }), 'cosine'))).toBe(
      'SELECT "articles"."id"::text AS key, ("articles"."embedding" <=> $1::vector)::float8 AS distance ' +
        'FROM "public"."articles" WHERE (true) AND "articles"."embedding" IS NOT NULL ' +
        'ORDER BY "articles"."embedding" <=> $1::vector LIMIT $2',
    );
  });

  it('quotes names, and takes type and operator from where the extension is', () => {
    expect(squeeze(nearestSql(ODD, 'ip'))).toBe(
      'SELECT "My.Table"."No ""1"""::text AS key, ("My.Table"."Vec" OPERATOR("Ext".<#>) $1::"Ext".vector)::float8 AS distance ' +
        `FROM "Shop ""x"""."My.Table" WHERE (status <> 'draft') AND "My.Table"."Vec" IS NOT NULL ` +
        'ORDER BY "My.Table"."Vec" OPERATOR("Ext".<#>) $1::"Ext".vector LIMIT $2',
    );
  });
});

describe('nearestSql with a filter', () => {
  it('takes the values of the filter first, as its condition numbers them', () => {
    const filter = { name: 'f', where: 'lang = $1 OR lang = $2', values: ['de', "x' OR true"] };
    expect(squeeze(nearestSql(makeTarget({ vectorPrefix: '' }), 'l2', filter))).toContain(
      `WHERE (true) AND (lang = $1 OR lang = $2) AND "articles"."embedding" IS NOT NULL ORDER BY "articles"."embedding" <-> $3::vector LIMIT $4`,
    );
    expect(nearestValues(filter, '[1]', 10)).toEqual(['de', "x' OR true", '[1]', 10]);
    expect(nearestValues(null, '[1]', 10)).toEqual(['[1]', 10]);
  });
});

describe('legacyQuery with a filter', () => {
  const filter = { name: 'f', where: 'lang = $1', values: ["x' OR true"] };

  it("puts the condition into the ILIKE of our own, its values before the query's", async () => {
    const query = legacyQuery(makeTarget({ text: 'T' }), await makeSettings(), 'q', 5, filter);
    expect(squeeze(query.sql)).toContain(
      `WHERE (true) AND (lang = $1) AND T ILIKE pg_catalog.concat('%', $2::text, '%') ORDER BY 1 LIMIT $3`,
    );
    expect(query).toMatchObject({ values: ["x' OR true", 'q', 5], behind: null });
  });

  it("takes the filter's own SQL, or asks the operator's for more and filters behind it", async () => {
    const settings = await makeSettings({ 'legacy-search': 'SELECT id' });
    const own = { ...filter, legacySearch: 'SELECT id WHERE lang = $3' };
    expect(legacyQuery(makeTarget(), settings, 'q', 5, own)).toEqual({
      sql: own.legacySearch,
      values: ['q', 5, "x' OR true"],
      behind: null,
    });
    for (const [k, asked] of [
      [5, 100],
      [50, 500],
      [900, 1000],
    ] as const)
      expect(legacyQuery(makeTarget(), settings, 'q', k, filter)).toEqual({
        sql: 'SELECT id',
        values: ['q', asked],
        behind: filter,
      });
  });
});

describe('forDepth', () => {
  it('raises the candidates of an HNSW scan to the rows that are wanted, as far as the server allows', () => {
    expect(forDepth({}, 40)).toEqual({});
    expect(forDepth({}, 41)).toEqual({ 'hnsw.ef_search': '41' });
    expect(forDepth({ 'hnsw.ef_search': '200' }, 100)).toEqual({ 'hnsw.ef_search': '200' });
    expect(forDepth({ 'hnsw.ef_search': '10' }, 5000)).toEqual({ 'hnsw.ef_search': '1000' });
  });
});

describe('textRankSql', () => {
  it('ranks by cover density over the configured text, ties by key', async () => {
    expect(squeeze(textRankSql(makeTarget({ text: 'T' }), await makeSettings()))).toBe(
      'SELECT "articles"."id"::text AS key FROM "public"."articles" WHERE (true) AND pg_catalog.to_tsvector($1::regconfig, T) @@ pg_catalog.websearch_to_tsquery($1::regconfig, $2::text) ' +
        'ORDER BY pg_catalog.ts_rank_cd(pg_catalog.to_tsvector($1::regconfig, T), pg_catalog.websearch_to_tsquery($1::regconfig, $2::text)) DESC, "articles"."id" LIMIT $3',
    );
  });

  it("takes the operator's own tsvector", async () => {
    const settings = await makeSettings({ 'search-tsvector': 'tsv' });
    expect(textRankSql(makeTarget(), settings)).toContain('(tsv) @@ pg_catalog.websearch_to_tsquery');
  });

  it('takes the values of a filter first', async () => {
    const filter = { name: 'f', where: 'lang = $1', values: ['de'] };
    const settings = await makeSettings();
    expect(squeeze(textRankSql(makeTarget({ text: 'T' }), settings, filter))).toContain(
      'WHERE (true) AND (lang = $1) AND pg_catalog.to_tsvector($2::regconfig, T) @@ pg_catalog.websearch_to_tsquery($2::regconfig, $3::text)',
    );
  });

  it('asks for any of the words, none of them an operator', () => {
    expect(anyWord('flat tyre')).toBe('flat OR tyre');
    expect(anyWord('-not "a phrase" or high-speed OR müde')).toBe(
      'not OR a OR phrase OR high OR speed OR müde',
    );
    expect(anyWord('!? --')).toBe('');
  });
});

describe('legacySql', () => {
  it("is the operator's own where there is one, to the letter", async () => {
    const sql = "SELECT id FROM articles WHERE title ILIKE '%'||$1||'%'\n LIMIT $2";
    expect(legacySql(makeTarget(), await makeSettings({ 'legacy-search': sql }))).toBe(sql);
  });

  it('is the plainest ILIKE where there is none', async () => {
    expect(squeeze(legacySql(makeTarget({ text: 'T', where: '(a > 1)' }), await makeSettings()))).toBe(
      `SELECT "articles"."id" FROM "public"."articles" WHERE (a > 1) AND T ILIKE pg_catalog.concat('%', $1::text, '%') ORDER BY 1 LIMIT $2`,
    );
    expect(legacySql(ODD, await makeSettings())).toContain('SELECT "My.Table"."No ""1""" FROM');
  });
});
