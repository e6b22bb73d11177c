import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeStagedRows, type StagedRow } from '../../src/db/copy-binary.ts';
import { nameFault } from '../../src/config/values/name.ts';
import { derivedName, parseQualified, quoteLiteral, quoteName } from '../../src/db/identifiers.ts';
import { classify } from '../../src/db/sqlstates.ts';
import { BackfillError, ConfigError, GateError, RowError, TransientError } from '../../src/errors.ts';
import { integerFields } from '../table/make-key.ts';

describe('identifiers', () => {
  it.each([
    ['articles', { schema: null, name: 'articles' }],
    ['Public.Articles', { schema: 'public', name: 'articles' }],
    ['"Public"."My Articles"', { schema: 'Public', name: 'My Articles' }],
    ['"a.b"."c""d"', { schema: 'a.b', name: 'c"d' }],
    [' s . t ', { schema: 's', name: 't' }],
    ['größe', { schema: null, name: 'größe' }],
    // PostgreSQL folds A to Z alone in a server encoding of several bytes.
    ['ÄPFEL', { schema: null, name: 'Äpfel' }],
  ])('reads %s as SQL does', (text, name) => {
    expect(parseQualified(text, 'Option table')).toEqual(name);
  });

  it.each(['', 'a.b.c', 'a b', 'a;drop', '"open', 'a.', '1a', '"a\0b"', '""', `"${'ä'.repeat(32)}"`])(
    'refuses %j',
    (text) => {
      expect(() => parseQualified(text, 'Option table')).toThrow(ConfigError);
    },
  );

  it('reads back what it quotes, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
        fc.pre(nameFault(name) === null);
        expect(parseQualified(quoteName(name), 'x')).toEqual({ schema: null, name });
      }),
    );
  });

  it('quotes literals', () => {
    expect(quoteLiteral("it's")).toBe("'it''s'");
    expect(quoteLiteral('a\\b')).toBe("E'a\\\\b'");
  });

  it('keeps the ending of a derived name within 63 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), (base) => {
        const name = derivedName(base, '_embedding_stage');
        expect(name.endsWith('_embedding_stage')).toBe(true);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
        if (Buffer.byteLength(base) + 16 <= 63) expect(name).toBe(`${base}_embedding_stage`);
        else expect(name).toMatch(/_[0-9a-f]{8}_embedding_stage$/);
      }),
    );
  });
});

describe('classify', () => {
  it.each([
    [{ code: '40001' }, 'transient'],
    [{ code: '40P01' }, 'transient'],
    [{ code: '55P03' }, 'transient'],
    [{ code: '57014' }, 'transient'],
    [{ code: '57P02' }, 'transient'],
    [{ code: '57P03' }, 'transient'],
    [{ code: '53300' }, 'transient'],
    [{ code: '57P01' }, 'transient'],
    [{ code: '08006' }, 'transient'],
    [{ code: 'ECONNREFUSED' }, 'transient'],
    [{ code: 'ECONNRESET' }, 'transient'],
    [{ code: 'EAI_AGAIN' }, 'transient'],
    [new Error('timeout exceeded when trying to connect'), 'transient'],
    [new Error('Connection terminated unexpectedly'), 'transient'],
    [new TransientError('x', { code: 'X' }), 'transient'],
    [{ code: '42501' }, 'configuration'],
    [{ code: '42P01' }, 'configuration'],
    [{ code: '42703' }, 'configuration'],
    [{ code: '3D000' }, 'configuration'],
    [{ code: '28P01' }, 'configuration'],
    [new GateError('x', { code: 'X' }), 'configuration'],
    [{ code: '53100' }, 'configuration'],
    [new ConfigError('x', { code: 'X' }), 'configuration'],
    [{ code: '23514' }, 'row'],
    [{ code: '22021' }, 'row'],
    [{ code: 'P0001' }, 'row'],
    [new RowError('x', { code: 'X' }), 'row'],
    [new Error('what?'), 'unknown'],
    [{ code: '42601' }, 'unknown'],
    [{ code: 7 }, 'unknown'],
    [null, 'unknown'],
    ['40001', 'unknown'],
    [new BackfillError('x', { code: '40001' }), 'transient'],
    [new AggregateError([]), 'unknown'],
    [new AggregateError([{ code: 'ECONNREFUSED' }, { code: '42501' }]), 'unknown'],
    [new AggregateError([{ code: 'ECONNREFUSED' }, { code: 'ECONNREFUSED' }]), 'transient'],
  ])('%j is %s', (error, kind) => {
    expect(classify(error)).toBe(kind);
  });
});

/** Reads the format by its documentation, not by the encoder. */
function decode(
  buffer: Buffer,
  width: 2 | 4 | 8 | 16,
): { key: bigint; vector: number[]; hash: string; batch: number; truncated: boolean }[] {
  expect(buffer.subarray(0, 11).toString('latin1')).toBe('PGCOPY\n\u00FF\r\n\0');
  expect(buffer.readInt32BE(11)).toBe(0);
  expect(buffer.readInt32BE(15)).toBe(0);
  const rows = [];
  let at = 19;
  for (;;) {
    const fields = buffer.readInt16BE(at);
    at += 2;
    if (fields === -1) break;
    expect(fields).toBe(5);
    expect(buffer.readInt32BE(at)).toBe(width);
    at += 4;
    const key =
      width === 16
        ? BigInt(`0x${buffer.toString('hex', at, at + 16)}`)
        : width === 8
          ? buffer.readBigInt64BE(at)
          : BigInt(buffer.readIntBE(at, width));
    at += width;
    const bytes = buffer.readInt32BE(at);
    const dimensions = buffer.readInt16BE(at + 4);
    expect(bytes).toBe(4 + 4 * dimensions);
    expect(buffer.readInt16BE(at + 6)).toBe(0);
    const vector = Array.from({ length: dimensions }, (_, n) => buffer.readFloatBE(at + 8 + 4 * n));
    at += 4 + bytes;
    expect(buffer.readInt32BE(at)).toBe(32);
    const hash = buffer.subarray(at + 4, at + 36).toString('hex');
    at += 36;
    expect(buffer.readInt32BE(at)).toBe(4);
    expect(buffer.readInt32BE(at + 8)).toBe(1);
    rows.push({
      key,
      vector,
      hash,
      batch: buffer.readInt32BE(at + 4),
      truncated: buffer.readUInt8(at + 12) === 1,
    });
    at += 13;
  }
  expect(at).toBe(buffer.length);
  return rows;
}

describe('encodeStagedRows', () => {
  it('writes what the documented format reads back, for every key width and across chunks', () => {
    const ends = {
      2: [-(2n ** 15n), 2n ** 15n - 1n],
      4: [-(2n ** 31n), 2n ** 31n - 1n],
      8: [-(2n ** 63n), 2n ** 63n - 1n],
      16: [0n, 2n ** 128n - 1n],
    } as const;
    fc.assert(
      fc.property(
        fc.constantFrom<2 | 4 | 8 | 16>(2, 4, 8, 16),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 0, max: 300 }),
        fc.infiniteStream(fc.float({ noNaN: true })),
        (keyWidth, dimensions, count, floats) => {
          const [least, most] = ends[keyWidth];
          const one = Float32Array.from({ length: dimensions }, () => floats.next().value as number);
          const keys = Array.from({ length: count }, (_, n) =>
            n % 2 === 0 ? least + BigInt(n) : most - BigInt(n),
          );
          const rows: StagedRow[] = keys.map((key, n) => ({
            key: integerFields(keyWidth, key),
            vector: one,
            textHash: Buffer.alloc(32, n % 256),
            truncated: n % 3 === 0,
          }));
          const chunks = [...encodeStagedRows(rows, { keyColumns: 1, dimensions, batch: 7 })];
          expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(300_000);
          const read = decode(Buffer.concat(chunks), keyWidth);
          expect(read).toEqual(
            rows.map((row, n) => ({
              key: keys[n],
              vector: [...one],
              hash: row.textHash.toString('hex'),
              batch: 7,
              truncated: row.truncated,
            })),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('starts a chunk where the last one is full, between two rows', () => {
    // 600 dimensions: 2 + 12 + 2408 + 36 + 8 + 5 bytes a row, 106 rows in 256 kB and the header.
    const shape = { keyColumns: 1, dimensions: 600, batch: 1 };
    const row = {
      key: integerFields(8, 1n),
      vector: new Float32Array(600),
      textHash: Buffer.alloc(32),
      truncated: true,
    };
    const sizes = (count: number): number[] =>
      [
        ...encodeStagedRows(
          Array.from({ length: count }, () => row),
          shape,
        ),
      ].map((chunk) => chunk.length);
    expect(sizes(0)).toEqual([19, 2]);
    expect(sizes(106)).toEqual([19 + 106 * 2471, 2]);
    expect(sizes(107)).toEqual([19 + 106 * 2471, 2471, 2]);
    // A row that is larger than a chunk has one of its own.
    const wide = { keyColumns: 1, dimensions: 16_000, batch: 1 };
    const wideRow = { ...row, key: integerFields(2, 1n), vector: new Float32Array(16_000) };
    const chunks = [
      ...encodeStagedRows(
        Array.from({ length: 9 }, () => wideRow),
        wide,
      ),
    ];
    expect(decode(Buffer.concat(chunks), 2)).toHaveLength(9);
  });

  it('reads a vector that is a part of a larger array, and leaves it as it is', () => {
    const all = Float32Array.from([1, 2, 3, 4, 5, 6]);
    const rows = [
      { key: integerFields(4, -1n), vector: all.subarray(2, 4), textHash: Buffer.alloc(32), truncated: true },
    ];
    const chunks = [...encodeStagedRows(rows, { keyColumns: 1, dimensions: 2, batch: 9 })];
    expect(decode(Buffer.concat(chunks), 4)).toMatchObject([{ key: -1n, vector: [3, 4], batch: 9 }]);
    expect([...all]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('hands the columns of a key on as the server wrote them, of whatever length', () => {
    const tenant = integerFields(16, 7n);
    const name = Buffer.concat([Buffer.from([0, 0, 0, 5]), Buffer.from('néé')]);
    const key = Buffer.concat([tenant, name]);
    const row = { key, vector: new Float32Array(1), textHash: Buffer.alloc(32), truncated: false };
    const [chunk] = [...encodeStagedRows([row], { keyColumns: 2, dimensions: 1, batch: 1 })];
    expect(chunk?.readInt16BE(19)).toBe(6);
    expect(chunk?.subarray(21, 21 + key.length)).toEqual(key);
    // A key of 2,600 bytes in each of many rows: chunks stay bounded.
    const long = Buffer.concat([Buffer.from([0, 0, 10, 40]), Buffer.alloc(2600, 97)]);
    const chunks = [
      ...encodeStagedRows(
        Array.from({ length: 500 }, () => ({ ...row, key: long })),
        { keyColumns: 1, dimensions: 1, batch: 1 },
      ),
    ];
    expect(Math.max(...chunks.map((each) => each.length))).toBeLessThan(263_000);
    expect(Buffer.concat(chunks)).toHaveLength(19 + 500 * (2 + 2604 + 12 + 36 + 8 + 5) + 2);
  });

  it('refuses a vector of another length or a hash of another size', () => {
    const shape = { keyColumns: 1, dimensions: 3, batch: 1 };
    expect(() => [
      ...encodeStagedRows(
        [
          {
            key: integerFields(8, 1n),
            vector: new Float32Array(2),
            textHash: Buffer.alloc(32),
            truncated: true,
          },
        ],
        shape,
      ),
    ]).toThrow(RangeError);
    expect(() => [
      ...encodeStagedRows(
        [
          {
            key: integerFields(8, 1n),
            vector: new Float32Array(3),
            textHash: Buffer.alloc(31),
            truncated: true,
          },
        ],
        shape,
      ),
    ]).toThrow(RangeError);
  });
});
