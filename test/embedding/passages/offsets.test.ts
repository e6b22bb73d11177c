import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inBytes, inCharacters, placeholders, unmasked } from '../../../src/embedding/passages/offsets.ts';
import { wellFormed } from '../../../src/embedding/tokenizer/text/unicode.ts';
import { applyMasks, createFinder, type Mask } from '../../../src/masking/masker.ts';

const find = createFinder({ types: ['email', 'ip', 'card'], rules: [] });

describe('places in a text', () => {
  it('are counted in characters, as PostgreSQL does', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 20 }), (drawn) => {
        const pieces = drawn.map((piece) => wellFormed(piece));
        const text = pieces.join('');
        let at = 0;
        const stretches = pieces.map((piece) => ({ start: at, end: (at += piece.length) }));
        const characters = Array.from(text);
        const counted = inCharacters(text, stretches);
        for (const [place, { start, end }] of counted.entries())
          expect(characters.slice(start, end).join('')).toBe(pieces[place]);
        const bytes = Buffer.from(text);
        for (const [place, { start, end }] of inBytes(text, counted).entries())
          expect(bytes.subarray(start, end).toString()).toBe(pieces[place]);
      }),
    );
    // As neighbours have it: the next one begins before this one ends.
    expect(
      inCharacters('𠀀𠀁bread𠀂', [
        { start: 0, end: 9 },
        { start: 4, end: 11 },
      ]),
    ).toEqual([
      { start: 0, end: 7 },
      { start: 2, end: 8 },
    ]);
  });

  it('are those of the text before values were masked', () => {
    const text = 'Ask anna@example.com, or bob.b@example.org at 10.20.30.40: 4111 1111 1111 1111.';
    const masks = find(text);
    expect(masks).toHaveLength(4);
    const masked = applyMasks(text, masks);
    const places = placeholders(masks);
    expect(places.map(({ start, end }) => masked.slice(start, end))).toEqual(
      masks.map(({ name }) => `[${name.toUpperCase()}]`),
    );
    for (const [at, place] of places.entries())
      expect(unmasked([place], masks)).toEqual([{ start: masks[at]?.start, end: masks[at]?.end }]);
    const outside = (from: string, to: string): string => {
      const stretch = { start: masked.indexOf(from), end: masked.indexOf(to) };
      const [found] = unmasked([stretch], masks);
      return text.slice(found?.start, found?.end);
    };
    expect(outside('Ask', ' or')).toBe('Ask anna@example.com,');
    expect(outside('or', ': ')).toBe('or bob.b@example.org at 10.20.30.40');
    // Through a placeholder: all of the value.
    expect(outside('MAIL]', ' or')).toBe('anna@example.com,');
    expect(unmasked([{ start: 0, end: masked.length }], masks)).toEqual([{ start: 0, end: text.length }]);
  });

  it('fit together for any masks', () => {
    const spans = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 9 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(spans, fc.integer({ min: 0, max: 9 }), (gaps, rest) => {
        let at = 0;
        const masks: Mask[] = gaps.map(([gap, length]) => {
          const start = at + gap;
          at = start + length;
          return { start, end: at, name: 'x' };
        });
        const text = Array.from({ length: at + rest }, (_, place) =>
          String.fromCodePoint(97 + (place % 26)),
        ).join('');
        const masked = applyMasks(text, masks);
        const places = placeholders(masks);
        const isInside = (place: number): boolean =>
          places.some((each) => each.start < place && place < each.end);
        for (let start = 0; start <= masked.length; start++)
          for (let end = start; end <= masked.length; end++) {
            if (isInside(start) || isInside(end)) continue;
            const [found] = unmasked([{ start, end }], masks);
            const inner = masks
              .filter((mask) => mask.start >= (found?.start ?? 0) && mask.end <= (found?.end ?? 0))
              .map((mask) => ({
                ...mask,
                start: mask.start - (found?.start ?? 0),
                end: mask.end - (found?.start ?? 0),
              }));
            expect(applyMasks(text.slice(found?.start, found?.end), inner)).toBe(masked.slice(start, end));
          }
      }),
      { numRuns: 50 },
    );
  });
});
