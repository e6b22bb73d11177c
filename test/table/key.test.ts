import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgeKeySql, keyBehind, keyNumber, keyText } from '../../src/table/key.ts';

describe('keys', () => {
  it('a uuid is a number of 16 bytes, and back', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(keyText('uuid', keyNumber('uuid', uuid))).toBe(uuid);
      }),
    );
    expect(keyText('uuid', 1n)).toBe('00000000-0000-0000-0000-000000000001');
    expect(keyNumber('uuid', '00000000-0000-0001-0000-000000000000')).toBe(2n ** 64n);
  });

  it.each([
    ['uuid', '00000000-0000-0000-0000-0000000000ff', '00000000-0000-0000-0000-000000000100'],
    ['uuid', '00ffffff-ffff-ffff-ffff-ffffffffffff', '01000000-0000-0000-0000-000000000000'],
    ['uuid', 'ffffffff-ffff-ffff-ffff-ffffffffffff', null],
    ['bigint', '-1', '0'],
    ['bigint', '9223372036854775807', null],
    ['integer', '2147483646', '2147483647'],
    ['integer', '2147483647', null],
    ['smallint', '32767', null],
  ] as const)('of type %s: behind %s comes %s', (type, key, behind) => {
    expect(keyBehind(type, key)).toBe(behind);
  });

  it('takes the edge of a group in the order of its type', () => {
    expect(edgeKeySql('bigint', 'min', 'key')).toBe('min(key)::text');
    expect(edgeKeySql('uuid', 'max', 'key')).toBe('max(key::text COLLATE "C")');
  });
});
