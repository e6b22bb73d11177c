import { describe, expect, it } from 'vitest';
import { legacySql } from '../../src/search/legacy-query.ts';
import { nearestSql } from '../../src/search/vector-query.ts';
import { makeSettings, makeTarget, squeeze } from '../table/make-target.ts';

const ODD = makeTarget({
  schema: 'Shop "x"',
  name: 'My.Table',
  table: '"Shop ""x"""."My.Table"',
  ref: '"My.Table"',
  key: 'No "1"',
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

describe('legacySql', () => {
  it("is the operator's own where there is one, to the letter", async () => {
    const sql = "SELECT id FROM articles WHERE title ILIKE '%'||$1||'%'\n LIMIT $2";
    expect(legacySql(makeTarget(), await makeSettings({ 'legacy-search': sql }))).toBe(sql);
  });

  it('is the plainest ILIKE where there is none', async () => {
    expect(squeeze(legacySql(makeTarget({ text: 'T', where: '(a > 1)' }), await makeSettings()))).toBe(
      `SELECT "articles"."id" FROM "public"."articles" WHERE (a > 1) AND T ILIKE '%' || $1 || '%' ORDER BY 1 LIMIT $2`,
    );
    expect(legacySql(ODD, await makeSettings())).toContain('SELECT "My.Table"."No ""1""" FROM');
  });
});
