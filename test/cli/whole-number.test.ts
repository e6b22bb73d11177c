import { expect, it } from 'vitest';
import { wholeNumber } from '../../src/cli/whole-number.ts';

it('takes the number that is given, or the fallback where none is', () => {
  expect(wholeNumber({ k: '7' }, 'k', 10, { max: 1000 })).toBe(7);
  expect(wholeNumber({}, 'k', 10)).toBe(10);
  expect(wholeNumber({}, 'rows', null)).toBeNull();
});

it.each(['', ' ', 'few', '0', '-1', '1.5', '1001', true])('refuses %j, and says the range', (given) => {
  const limits = { max: 1000, remedy: 'Write it as in: --k 10.' };
  expect(() => wholeNumber({ k: given }, 'k', 10, limits)).toThrow(
    `--k must be a whole number from 1 to 1000 (got ${JSON.stringify(given)}).`,
  );
});
