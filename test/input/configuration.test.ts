/** Strings of the configuration that no statement must ever see, and those that must not mean what they say. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { OPTIONS } from '../../src/config/options.ts';
import type { Option } from '../../src/config/option.ts';
import { ConfigError } from '../../src/errors.ts';

const env = { DATABASE_URL: 'postgres://u@h/d' };
const load = (flags: Record<string, string>, backfill?: string): Promise<Config> =>
  loadConfig({ flags: { table: 't', text: 'a', ...flags }, env, cwd: '/', backfill });
const refusal = async (flags: Record<string, string>, backfill?: string): Promise<string> => {
  const error: unknown = await load(flags, backfill).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message;
};

describe('a configuration', () => {
  it.each(
    Object.values(OPTIONS as Record<string, Option>).map((declared) => [declared.path, declared] as const),
  )('with a NUL character in %s is refused by the name of the option', async (_path, declared) => {
    expect(await refusal({ [declared.flag]: 'a\0b' })).toContain(declared.name);
  });

  it('with names that PostgreSQL would cut is refused, whatever the bytes of a character', async () => {
    for (const flag of ['key', 'column', 'updated-at-column', 'text'])
      for (const name of ['a'.repeat(64), 'ä'.repeat(32), '🙂'.repeat(16)])
        expect(await refusal({ [flag]: name })).toContain('63 bytes');
    for (const name of ['a'.repeat(63), 'ä'.repeat(31), '🙂'.repeat(15)])
      expect((await load({ column: name })).settings.column).toBe(name);
  });

  it('that would write where it reads is refused', async () => {
    for (const flags of [
      { 'updated-at-column': 'a' },
      { column: 'a' },
      { text: 'title,embedding_updated_at' },
      { key: 'id', column: 'id' },
      { column: 'same', 'updated-at-column': 'same' },
    ])
      expect(await refusal(flags)).toMatch(/must be (a column of its own|another column)/);
  });

  it('names a backfill by letters, digits and three signs, or is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 70 }), async (name) => {
        if (/^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,62}$/u.test(name))
          expect((await load({}, name)).backfill).toBe(name);
        else expect(await refusal({}, name)).toContain('--backfill');
      }),
    );
  });

  it('names a backfill after its table by whole characters', async () => {
    const table = `"${'𠀀'.repeat(15)}"`;
    expect((await load({ table })).backfill).toBe('𠀀'.repeat(15));
    const { backfill } = await load({ table: `schema."${'𠀀'.repeat(80)}"` });
    expect(backfill).toBe('𠀀'.repeat(63));
  });
});
