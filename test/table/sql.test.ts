import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distanceOperator } from '../../src/table/metric.ts';
import { operatorClass } from '../../src/table/vector-type.ts';
import { keyColumn } from './make-key.ts';
import { rangeSql } from '../../src/table/key-range.ts';
import { isAtLeast } from '../../src/table/vector-extension.ts';
import { makeTarget } from './make-target.ts';

describe('isAtLeast', () => {
  it.each([
    ['0.8.2', '0.8.2', true],
    ['0.8.10', '0.8.2', true],
    ['0.10.0', '0.8.2', true],
    ['1.0', '0.8.2', true],
    ['0.8.1', '0.8.2', false],
    ['0.8', '0.8.0', true],
    ['0.8', '0.8.1', false],
    ['0.8.2-dev', '0.8.2', true],
    ['0.7.4', '0.5.0', true],
    ['0.4.4', '0.5.0', false],
  ])('%s against %s: %s', (version, least, expected) => {
    expect(isAtLeast(version, least)).toBe(expected);
  });

  it('orders versions as numbers, part by part', () => {
    const part = fc.nat(999);
    fc.assert(
      fc.property(fc.tuple(part, part, part), fc.tuple(part, part, part), (a, b) => {
        const number = ([x, y, z]: [number, number, number]): number => (x * 1000 + y) * 1000 + z;
        expect(isAtLeast(a.join('.'), b.join('.'))).toBe(number(a) >= number(b));
      }),
    );
  });
});

describe('metric', () => {
  it.each([
    ['cosine', '<=>', 'vector_cosine_ops'],
    ['l2', '<->', 'vector_l2_ops'],
    ['ip', '<#>', 'vector_ip_ops'],
  ] as const)('%s is %s, %s', (metric, operator, operators) => {
    expect(distanceOperator(metric, '')).toBe(operator);
    expect(distanceOperator(metric, '"Ext".')).toBe(`OPERATOR("Ext".${operator})`);
    expect(operatorClass(metric, 'vector')).toBe(operators);
  });
});

describe('rangeSql', () => {
  it.each([
    [null, null, 'true', []],
    ['-5', null, 'k >= $1::bigint', ['-5']],
    [null, '7', 'k < $1::bigint', ['7']],
    ['1', '9223372036854775807', 'k >= $1::bigint AND k < $2::bigint', ['1', '9223372036854775807']],
  ])('from %s to %s', (lower, upper, sql, expected) => {
    const values: unknown[] = [];
    expect(rangeSql(makeTarget(), ['k'], { lower, upper }, values)).toBe(sql);
    expect(values).toEqual(expected);
  });

  it('gives a condition with one bound the end of the table as the other one', () => {
    expect(rangeSql(makeTarget(), ['k'], { lower: '5', upper: null }, [], 't')).toBe(
      'k >= $1::bigint AND k <= (SELECT pgvb_edge."id" FROM t pgvb_edge ORDER BY pgvb_edge."id" DESC LIMIT 1)',
    );
    expect(rangeSql(makeTarget(), ['k'], { lower: null, upper: '5' }, [], 't')).toBe(
      'k >= (SELECT pgvb_edge."id" FROM t pgvb_edge ORDER BY pgvb_edge."id" LIMIT 1) AND k < $1::bigint',
    );
  });

  it('numbers its placeholders behind those that are there, and casts to the type of the key', () => {
    const values: unknown[] = ['a', 'b'];
    const target = makeTarget({ key: [keyColumn('k', 'smallint')] });
    expect(rangeSql(target, ['k'], { lower: '1', upper: '2' }, values)).toBe(
      'k >= $3::smallint AND k < $4::smallint',
    );
  });
});
