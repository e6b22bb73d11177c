import { describe, expect, it } from 'vitest';
import { count } from '../../src/observability/format.ts';

describe('a count', () => {
  it.each([
    0,
    7,
    999,
    1000,
    12_345,
    100_000,
    1_234_567,
    -1,
    -999,
    -1000,
    -123_456,
    2 ** 53 - 1,
    1234.5678,
    NaN,
  ])('%d is written as in English text', (value) => {
    expect(count(value)).toBe(value.toLocaleString('en-US'));
  });
});
