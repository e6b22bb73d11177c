import { describe, expect, it } from 'vitest';
import { MASK_TYPES } from '../../src/config/options/mask.ts';
import { ConfigError } from '../../src/errors.ts';
import { createMasker } from '../../src/masking/masker.ts';
import { maskPolicyVersion, type MaskPolicy, type MaskRule } from '../../src/masking/policy.ts';

const everything: MaskPolicy = { types: MASK_TYPES, rules: [] };
const withRules = (...rules: MaskRule[]): MaskPolicy => ({ types: MASK_TYPES, rules });
const employee: MaskRule = { name: 'employee', pattern: 'EMP-\\d{6}' };

describe('a masker', () => {
  it('gives back the very same string where there is nothing to mask', () => {
    const text = 'Bread is 2 or 3 times as good with butter [see 4].';
    expect(createMasker(everything).mask(text)).toEqual({ text, counts: {} });
    expect(createMasker({ types: [], rules: [] }).mask('ann@example.com')).toEqual({
      text: 'ann@example.com',
      counts: {},
    });
  });

  it('counts by type, without values', () => {
    const text = 'ann@example.com, bob@example.com or (212) 555-0123 from 10.0.0.1, EMP-123456';
    expect(createMasker(withRules(employee)).mask(text)).toEqual({
      text: '[EMAIL], [EMAIL] or [PHONE] from [IP], [EMPLOYEE]',
      counts: { email: 2, phone: 1, ip: 1, employee: 1 },
    });
  });

  it('masks only the types that were asked for', () => {
    expect(createMasker({ types: ['ip'], rules: [] }).mask('ann@example.com at 10.0.0.1')).toEqual({
      text: 'ann@example.com at [IP]',
      counts: { ip: 1 },
    });
  });

  it('never looks into placeholders, its own or those of an earlier time', () => {
    const letters = { name: 'letters', pattern: '[A-Z]+' };
    const masker = createMasker(withRules(letters));
    expect(masker.mask('[EMAIL] ann@example.com X [OTHER]')).toEqual({
      text: '[EMAIL] [EMAIL] [LETTERS] [[LETTERS]]',
      counts: { email: 1, letters: 2 },
    });
  });

  it('finds what shows only when its neighbour is gone', () => {
    const tag = { name: 'tag', pattern: 'x\\d+x' };
    expect(createMasker(withRules(tag)).mask('x1x10.0.0.1').text).toBe('[TAG][IP]');
  });

  it('takes a policy that went through structured clone', () => {
    expect(createMasker(structuredClone(withRules(employee))).version).toBe(
      maskPolicyVersion(withRules(employee)),
    );
  });

  it('has more values in one text than a call has arguments', () => {
    expect(createMasker(everything).mask('a@b.cd '.repeat(200_000)).counts).toEqual({ email: 200_000 });
  });
});

describe('rules', () => {
  const mask = (rule: MaskRule, text: string): string =>
    createMasker({ types: [], rules: [rule] }).mask(text).text;

  it('match as RE2 does', () => {
    expect(mask(employee, 'EMP-123456, emp-123456 and EMP-12345')).toBe(
      '[EMPLOYEE], emp-123456 and EMP-12345',
    );
    expect(mask({ ...employee, ignoreCase: true }, 'emp-123456')).toBe('[EMPLOYEE]');
    expect(mask({ name: 'case-file', pattern: '\\bFile \\p{Lu}' }, '😀 File Ä, é File B.')).toBe(
      '😀 [CASE-FILE], é [CASE-FILE].',
    );
  });

  it('come after the built-in types, in their order', () => {
    const digits = { name: 'digits', pattern: '\\d+' };
    expect(createMasker(withRules(digits, employee)).mask('ann1@example.com EMP-123456').text).toBe(
      '[EMAIL] EMP-[DIGITS]',
    );
    expect(createMasker(withRules(employee, digits)).mask('EMP-123456 12').text).toBe('[EMPLOYEE] [DIGITS]');
  });

  it('may have the name of anything', () => {
    expect(createMasker({ types: [], rules: [{ name: 'constructor', pattern: 'x' }] }).mask('axa')).toEqual({
      text: 'a[CONSTRUCTOR]a',
      counts: { constructor: 1 },
    });
  });

  it.each([
    ['a back-reference', [{ name: 'twice', pattern: '(a)\\1' }], 'twice', 'RE2'],
    ['a look-ahead', [{ name: 'ahead', pattern: 'a(?=b)' }], 'ahead', 'RE2'],
    ['a look-behind', [{ name: 'behind', pattern: '(?<=b)a' }], 'behind', 'RE2'],
    ['no end', [{ name: 'open', pattern: '(a' }], 'open', 'RE2'],
    ['nothing obligatory', [{ name: 'star', pattern: 'x*' }], 'star', 'empty'],
    ['a place, not a text', [{ name: 'edge', pattern: '\\b' }], 'edge', 'empty'],
    ['an empty alternative', [{ name: 'either', pattern: 'q|' }], 'either', 'empty'],
    ['the name of another', [employee, employee], 'employee', 'twice'],
    ['the name of a type', [{ name: 'email', pattern: 'x' }], 'email', 'built-in'],
  ] as [string, MaskRule[], string, string][])('are refused with %s', (_, rules, ...words) => {
    const make = (): unknown => createMasker({ types: [], rules });
    expect(make).toThrow(ConfigError);
    for (const word of [...words, 'mask.rules', 'BACKFILL_MASK_RULES']) expect(make).toThrow(word);
    try {
      make();
    } catch (error) {
      expect(error).toMatchObject({ code: 'MASK_RULE', remedy: expect.stringMatching(/\w/) as string });
    }
  });
});

describe('the version of a policy', () => {
  it('is none where nothing is masked', () => {
    expect(maskPolicyVersion({ types: [], rules: [] })).toBe('none');
    expect(createMasker({ types: [], rules: [] }).version).toBe('none');
  });

  it('tells apart what masks differently, and nothing else', () => {
    const other: MaskRule = { name: 'other', pattern: 'x+' };
    const policies: MaskPolicy[] = [
      everything,
      { types: ['email'], rules: [] },
      withRules(employee),
      withRules(employee, other),
      withRules(other, employee),
      withRules({ ...employee, ignoreCase: true }),
      withRules({ ...employee, pattern: 'EMP-\\d+' }),
      withRules({ ...employee, name: 'staff' }),
      { types: [], rules: [employee] },
    ];
    const versions = policies.map((policy) => maskPolicyVersion(policy));
    expect(new Set(versions).size).toBe(policies.length);
    for (const version of versions) expect(version).toMatch(/^[0-9a-f]{16}$/);
    expect(maskPolicyVersion({ types: [...MASK_TYPES, 'ip' as const].toReversed(), rules: [] })).toBe(
      versions[0],
    );
    expect(maskPolicyVersion(withRules({ ...employee, ignoreCase: false }))).toBe(versions[2]);
  });
});
