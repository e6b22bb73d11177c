/** What is typed in env variables and flags, as the value that a file would hold. */

import { describe, expect, it } from 'vitest';
import {
  parseBoolean,
  parseJson,
  parseLimits,
  parseList,
  parseNumber,
  parseText,
} from '../../src/config/option.ts';

describe('raw values', () => {
  it('numbers: what is none stays as it was typed', () => {
    expect(
      ['12', ' 7 ', '-1', '1e3', '0x10', '', ' ', '12 rows', 'NaN', 'Infinity'].map(parseNumber),
    ).toEqual([12, 7, -1, 1000, 16, '', ' ', '12 rows', 'NaN', 'Infinity']);
  });

  it('yes and no', () => {
    expect(['true', 'TRUE', '1', 'yes', 'On'].map(parseBoolean)).toEqual([true, true, true, true, true]);
    expect(['false', '0', 'NO', 'off'].map(parseBoolean)).toEqual([false, false, false, false]);
    expect(['', '2', 'perhaps'].map(parseBoolean)).toEqual(['', '2', 'perhaps']);
  });

  it('thresholds: hold, hold:stop, off; sizes only where they are bytes', () => {
    expect(['5', ' 5 : 60', 'off:1.5', 'off'].map((raw) => parseLimits(raw, false))).toEqual([
      { hold: 5, stop: null },
      { hold: 5, stop: 60 },
      { hold: null, stop: 1.5 },
      { hold: null, stop: null },
    ]);
    expect(parseLimits('1.5 kB:2GB', true)).toEqual({ hold: 1536, stop: 2 * 1024 ** 3 });
    for (const raw of ['', ':', '5:', ':5', '5:x', '1:2:3', '-1', '5MB', '1e3', 'on'])
      expect(parseLimits(raw, false)).toBe(raw);
  });

  it('columns and expressions', () => {
    expect(parseText('a, "b c" ,,d')).toEqual(['a', '"b c"', 'd']);
    expect(parseText('sql:a, b')).toEqual({ sql: 'a, b' });
    expect(parseText(' , ')).toEqual([]);
    expect(parseList('a, b,, ')).toEqual(['a', 'b']);
  });

  it('JSON: what is none stays as it was typed', () => {
    expect(parseJson('[1]')).toEqual([1]);
    expect(parseJson('[1')).toBe('[1');
  });
});
