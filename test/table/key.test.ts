import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describeKey,
  keyBeforeSql,
  keyFieldsSql,
  keyInSql,
  keyOfParts,
  keyOrderSql,
  keyParts,
  keyTextSql,
  parsedKeySql,
  sameKeySql,
} from '../../src/table/key.ts';
import { orderedKeysSql, rangeSql } from '../../src/table/key-range.ts';
import { keyColumn } from './make-key.ts';
import { makeTarget, squeeze } from './make-target.ts';

const citext = {
  operators: {
    less: 'OPERATOR(ext.<)',
    lessOrEqual: 'OPERATOR(ext.<=)',
    equal: 'OPERATOR(ext.=)',
    greaterOrEqual: 'OPERATOR(ext.>=)',
    greater: 'OPERATOR(ext.>)',
  },
  collate: ' COLLATE "C"',
  isCanonical: false,
};
const ONE = makeTarget();
const TWO = makeTarget({ key: [keyColumn('tenant', 'uuid'), keyColumn('id')] });
const MIXED = makeTarget({
  key: [keyColumn('name', 'ext.citext', citext), keyColumn('at', 'date', { isDescending: true })],
});

describe('keys as text', () => {
  it('of one column as it is, of several as a JSON array that json_build_array would write the same', () => {
    expect(keyOfParts(['7'])).toBe('7');
    expect(keyOfParts(['a"b\\\n', 'é'])).toBe('["a\\"b\\\\\\n", "é"]');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (a, b) => {
        expect(keyParts(TWO, keyOfParts([a, b]))).toEqual([a, b]);
      }),
    );
    expect(keyParts(ONE, '["a", "b"]')).toEqual(['["a", "b"]']);
  });

  it.each(['x', '["a"]', '["a", 1]', '{}', '["a", "b", "c"]'])('%s is no key of two columns', (text) => {
    expect(() => keyParts(TWO, text)).toThrow(SyntaxError);
  });

  it('is written and read on the server', () => {
    expect(keyTextSql(ONE, ['k'])).toBe('k::text');
    expect(keyTextSql(TWO, ['a', 'b'])).toBe('json_build_array(a::text, b::text)::text');
    expect(parsedKeySql(ONE, 'x.key')).toEqual(['(x.key)::bigint']);
    expect(parsedKeySql(TWO, 'x.key')).toEqual([
      '((x.key)::json ->> 0)::uuid',
      '((x.key)::json ->> 1)::bigint',
    ]);
    expect(keyFieldsSql(TWO, ['a', 'b'])).toBe('int4send(16) || uuid_send(a) || int4send(8) || int8send(b)');
    expect(describeKey(TWO)).toBe('(tenant uuid, id bigint)');
  });
});

describe('the order of keys', () => {
  it('names operators and collation of the index, and each column by its own direction', () => {
    expect(keyOrderSql(MIXED, ['a', 'b'])).toBe('a COLLATE "C", b DESC');
    expect(keyOrderSql(MIXED, ['a', 'b'], true)).toBe('a COLLATE "C" DESC, b');
    const nulls = makeTarget({ key: [keyColumn('a', 'bigint', { nulls: ' NULLS FIRST' })] });
    expect(keyOrderSql(nulls, ['a'])).toBe('a NULLS FIRST');
    expect(keyOrderSql(nulls, ['a'], true)).toBe('a DESC NULLS LAST');
    expect(sameKeySql(MIXED, ['a', 'b'], ['c', 'd'])).toBe('a OPERATOR(ext.=) c COLLATE "C" AND b = d');
    expect(keyBeforeSql(MIXED, ['a', 'b'], ['c', 'd'], true)).toBe(
      '(a OPERATOR(ext.<) c COLLATE "C" OR (a OPERATOR(ext.=) c COLLATE "C" AND b >= d))',
    );
  });

  it('cuts a range of several columns into segments that an index serves, one behind the other', () => {
    const values: unknown[] = [];
    const range = { lower: '["x", "1"]', upper: '["y", "2"]' };
    expect(rangeSql(TWO, ['a', 'b'], range, values)).toBe(
      '((a = $1::uuid AND b >= $2::bigint) OR (a > $1::uuid AND a < $3::uuid) OR (a = $3::uuid AND b < $4::bigint))',
    );
    expect(values).toEqual(['x', '1', 'y', '2']);
    expect(rangeSql(TWO, ['a', 'b'], { ...range, lower: '["y", "1"]', isAfter: true }, [])).toBe(
      'a = $1::uuid AND b > $2::bigint AND b < $3::bigint',
    );
    expect(rangeSql(TWO, ['a', 'b'], { lower: range.lower, upper: null }, [])).toBe(
      '((a = $1::uuid AND b >= $2::bigint) OR (a > $1::uuid))',
    );
    expect(squeeze(orderedKeysSql(TWO, { lower: range.lower, upper: null }, []))).toContain(
      'UNION ALL SELECT "articles"."tenant" AS pgvb_key1, "articles"."id" AS pgvb_key2 FROM "public"."articles" WHERE true AND (',
    );
  });

  it('holds the other bound too where two texts may be one value', () => {
    const range = { lower: '["Ann", "2020-01-02"]', upper: '["ann", "2020-01-01"]', isThrough: true };
    expect(rangeSql(MIXED, ['a', 'b'], range, [])).toBe(
      '((a OPERATOR(ext.=) $1::ext.citext COLLATE "C" AND b <= $2::date AND (a OPERATOR(ext.<) $3::ext.citext COLLATE "C" OR (a OPERATOR(ext.=) $3::ext.citext COLLATE "C" AND b >= $4::date)))' +
        ' OR (a OPERATOR(ext.>) $1::ext.citext COLLATE "C" AND a OPERATOR(ext.<) $3::ext.citext COLLATE "C")' +
        ' OR (a OPERATOR(ext.=) $3::ext.citext COLLATE "C" AND b >= $4::date AND ($1::ext.citext OPERATOR(ext.<) a COLLATE "C" OR ($1::ext.citext OPERATOR(ext.=) a COLLATE "C" AND $2::date >= b))))',
    );
  });

  it('asks for some keys as a list a column', () => {
    const values: unknown[] = [];
    expect(keyInSql(ONE, ['k'], ['1', '2'], values)).toBe('k = ANY ($1::text[]::bigint[])');
    expect(keyInSql(TWO, ['a', 'b'], ['["x", "1"]'], values)).toBe(
      'EXISTS (SELECT FROM unnest($2::text[]::uuid[], $3::text[]::bigint[]) AS pgvb_list (pgvb_key1, pgvb_key2) WHERE a = pgvb_list.pgvb_key1 AND b = pgvb_list.pgvb_key2)',
    );
    expect(values).toEqual([['1', '2'], ['x'], ['1']]);
  });
});
