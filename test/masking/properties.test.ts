import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MASK_TYPES } from '../../src/config/options/mask.ts';
import { createMasker } from '../../src/masking/masker.ts';

const masker = createMasker({
  types: MASK_TYPES,
  rules: [{ name: 'employee', pattern: 'EMP-\\d{6}' }],
});

const digit = fc.integer({ min: 0, max: 9 }).map(String);
const digits = (length: number) =>
  fc.array(digit, { minLength: length, maxLength: length }).map((all) => all.join(''));
const from = (letters: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from(letters)), minLength, maxLength });

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const label = from(`${LETTERS}0123456789`, 1, 12).map((word) => `b${word}`);

const email = fc
  .tuple(
    fc.array(from(`${LETTERS}ABCXYZ0123456789éü_+`, 1, 10), { minLength: 1, maxLength: 3 }),
    fc.array(label, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('com', 'org', 'co.uk', 'example', 'museum'),
  )
  .map(([local, domain, top]) => `a${local.join('.')}@${domain.join('.')}.${top}`);

/** Sets the last digit so that the sum is right. */
function luhn(head: string): string {
  const check = Array.from({ length: 10 }, (_, last) => `${head}${last}`).find((number) => {
    const sum = Array.from(number)
      .toReversed()
      .map((character, at) => Number(character) * (at % 2 === 1 ? 2 : 1))
      .reduce((total, each) => total + (each > 9 ? each - 9 : each), 0);
    return sum % 10 === 0;
  });
  return check ?? head;
}

const card = fc
  .oneof(
    fc.tuple(fc.constantFrom('4', '51', '55', '2221', '6011', '65', '3530'), fc.constant(16)),
    fc.tuple(fc.constantFrom('4'), fc.constantFrom(13, 19)),
  )
  .chain(([prefix, length]) => digits(length - prefix.length - 1).map((rest) => luhn(prefix + rest)))
  .chain((number) => fc.constantFrom('', ' ', '-').map((gap) => (number.match(/.{1,4}/g) ?? []).join(gap)));

const iban = fc
  .constantFrom(
    ['DE', 22] as const,
    ['NO', 15] as const,
    ['GB', 22] as const,
    ['FR', 27] as const,
    ['MT', 31] as const,
  )
  .chain(([country, length]) =>
    fc.tuple(from('0123456789ABCXYZ', length - 4, length - 4), fc.boolean()).map(([body, spaced]) => {
      const value = Array.from(`${body}${country}00`, (character) => parseInt(character, 36)).join('');
      const check = String(98n - (BigInt(value) % 97n)).padStart(2, '0');
      const number = `${country}${check}${body}`;
      return spaced ? (number.match(/.{1,4}/g) ?? []).join(' ') : number;
    }),
  );

const ssn = fc
  .tuple(fc.integer({ min: 1, max: 899 }), fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9999 }))
  .filter(([area]) => area !== 666)
  .map((parts) => parts.map((part, at) => String(part).padStart([3, 2, 4][at] ?? 0, '0')).join('-'));

const phone = fc
  .tuple(fc.constantFrom('212', '415', '646', '303'), fc.integer({ min: 200, max: 989 }), digits(4))
  .filter(([, exchange]) => exchange % 100 !== 11)
  .chain(([area, exchange, line]) =>
    fc.constantFrom(
      `+1 ${area} ${exchange} ${line}`,
      `+1${area}${exchange}${line}`,
      `001 ${area} ${exchange} ${line}`,
      `(${area}) ${exchange}-${line}`,
      `${area}-${exchange}-${line}`,
      `1-${area}-${exchange}-${line}`,
    ),
  );

const planted = fc.oneof(
  email.map((value) => ({ type: 'email', value })),
  card.map((value) => ({ type: 'card', value })),
  iban.map((value) => ({ type: 'iban', value })),
  ssn.map((value) => ({ type: 'ssn', value })),
  phone.map((value) => ({ type: 'phone', value })),
  fc.ipV4().map((value) => ({ type: 'ip', value })),
  fc
    .ipV6()
    .filter((value) => /^[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}$/i.test(value) && /\d/.test(value))
    .map((value) => ({ type: 'ip', value })),
  digits(6).map((value) => ({ type: 'employee', value: `EMP-${value}` })),
);

/** Of letters that no label such as tel, pwd or version can be written with. */
const words = fc.array(from('bdgknoruz', 2, 9), { minLength: 1, maxLength: 6 }).map((all) => all.join(' '));

it('masks every value that was planted in prose, and counts them', () => {
  const sentence = fc.tuple(
    words,
    fc.constantFrom(' ', ' (', ': ', '\n'),
    planted,
    fc.constantFrom('', ',', '.', ')', ';'),
  );
  fc.assert(
    fc.property(fc.array(sentence, { minLength: 1, maxLength: 5 }), words, (sentences, end) => {
      const text = `${sentences.map(([before, gap, { value }, mark]) => `${before}${gap}${value}${mark}`).join(' ')} ${end}`;
      const result = masker.mask(text);
      for (const [, , { value }] of sentences) expect(result.text).not.toContain(value);
      const wanted: Record<string, number> = {};
      for (const [, , { type }] of sentences) wanted[type] = (wanted[type] ?? 0) + 1;
      expect(result.counts).toEqual(wanted);
      expect(result.text.match(/\[[A-Z]+\]/g)).toHaveLength(sentences.length);
    }),
    { numRuns: 1000 },
  );
});

/** Text that is full of beginnings, ends and middles of values. */
const fragments = fc.array(
  fc.oneof(
    planted.map(({ value }) => value),
    planted.chain(({ value }) => fc.nat({ max: value.length }).map((at) => value.slice(at))),
    planted.chain(({ value }) => fc.nat({ max: value.length }).map((at) => value.slice(0, at))),
    words,
    fc.string({ maxLength: 8 }),
    fc.constantFrom('password=', 'token: ', 'tel ', '@', '[EMAIL]', '[', ']', '+', '00', '::', '://u:', '\n'),
  ),
  { maxLength: 12 },
);
const anything = fc.oneof(
  fc.tuple(fragments, fc.constantFrom('', ' ', '-')).map(([parts, gap]) => parts.join(gap)),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

it('changes nothing the second time', () => {
  fc.assert(
    fc.property(anything, (text) => {
      const once = masker.mask(text).text;
      expect(masker.mask(once)).toEqual({ text: once, counts: {} });
    }),
    { numRuns: 3000 },
  );
});

it('counts as many values as there are new placeholders, and the same string stays where there are none', () => {
  const placeholders = (text: string): number =>
    text.match(/\[(?:EMAIL|PHONE|CARD|IBAN|IP|SSN|SECRET|EMPLOYEE)\]/g)?.length ?? 0;
  fc.assert(
    fc.property(anything, (text) => {
      const result = masker.mask(text);
      const counted = Object.values(result.counts).reduce((sum, count) => sum + count, 0);
      expect(placeholders(result.text)).toBe(placeholders(text) + counted);
      expect(result.text === text).toBe(counted === 0);
      expect(Object.values(result.counts).every((count) => count > 0)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it('leaves prose of words and small numbers as it is', () => {
  const small = fc.integer({ min: 0, max: 9999 }).map(String);
  // Never many numbers in a row: every so often such a row is a card.
  const numbered = fc.tuple(words, small, words).map((parts) => parts.join(' '));
  const prose = fc
    .array(fc.oneof(words, numbered, fc.constantFrom(', ', '. ', '; ', ' – ', ' (', ') ')), { maxLength: 20 })
    .map((parts) => parts.join(' '));
  fc.assert(
    fc.property(prose, (text) => {
      expect(masker.mask(text)).toEqual({ text, counts: {} });
    }),
  );
});
