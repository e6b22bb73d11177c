/** Keys as tables have them: types, collations, orders; with values that are hard on each. */

import fc from 'fast-check';
import type { Queryable } from '../../src/db/pool.ts';

export interface KeyShape {
  name: string;
  /** Types as in CREATE TABLE, with their collation. */
  columns: string[];
  /** Columns of the unique index, k1, k2, …; where absent, all in their order. */
  primaryKey?: string;
  /** Texts of each column. */
  key: fc.Arbitrary<string>[];
}

/** Whole numbers between two ends, as text: the ends themselves more often than chance would have it. */
const whole = (least: bigint, most: bigint): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.constantFrom(least, least + 1n, -1n, 0n, 1n, most - 1n, most),
      fc.bigInt({ min: least, max: most }),
    )
    .map(String);

const smallint = whole(-(2n ** 15n), 2n ** 15n - 1n);
const integer = whole(-(2n ** 31n), 2n ** 31n - 1n);
const bigint = whole(-(2n ** 63n), 2n ** 63n - 1n);

const uuid = fc.oneof(
  fc.constantFrom(
    '00000000-0000-0000-0000-000000000000',
    '00000000-0000-0000-0000-000000000001',
    // Where the halves meet, and where a signed number would turn over.
    '00000000-0000-0000-ffff-ffffffffffff',
    '00000000-0000-0001-0000-000000000000',
    '7fffffff-ffff-ffff-ffff-ffffffffffff',
    '80000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ),
  fc.uuid(),
);

const words = [
  '',
  ' ',
  'a',
  'A',
  'á',
  'a ',
  'ab',
  'Zebra',
  'zebra',
  '🦓',
  '["a", "b"]',
  '{"a": 1}',
  'null',
  'NULL',
  `O'Neil, "quoted"`,
  'back\\slash',
  'line\nbreak\ttab\r',
  '%_$1',
  '-- comment',
  '\u007F',
  'ﬀ',
  'ß',
  'ss',
  'İi',
];
const text = fc.oneof(
  fc.constantFrom(...words),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((each) => !each.includes('\0')),
);
/** Near what a b-tree takes, and no pressing together makes it less. */
const long = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }))
  .map(([last, seed]) => {
    let state = seed;
    const letters = Array.from({ length: 2599 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return String.fromCodePoint(33 + ((state >>> 16) % 90));
    });
    return letters.join('') + String(last);
  });
const numeric = fc.oneof(
  fc.constantFrom(
    '0',
    '0.0',
    '-0.00',
    '1',
    '1.0',
    '1.00',
    'NaN',
    '1e30',
    '-1e-30',
    '0.1',
    '123456789012345678901234567890.5',
  ),
  fc.tuple(fc.integer(), fc.integer({ min: 0, max: 999 })).map(([a, b]) => `${a}.${b}`),
);
const date = fc.constantFrom(
  '-infinity',
  'infinity',
  '2024-02-29',
  '1999-12-31',
  '0044-03-15 BC',
  '2000-01-01',
  '9999-12-31',
  '1970-01-01',
);
const timestamp = fc.constantFrom(
  '-infinity',
  'infinity',
  '2024-02-29 12:00:00.000001',
  '2024-02-29 12:00:00.000002',
  '2024-02-29 12:00:00',
  '0044-03-15 00:00:00 BC',
  '12024-01-01 00:00:00',
  '1970-01-01 00:00:00',
);
const timestamptz = fc.oneof(
  timestamp.map((each) => (each.includes('infinity') || each.endsWith('BC') ? each : `${each}+05:30`)),
  fc.constantFrom('2024-10-27 02:30:00 Europe/Berlin', '2024-10-27 02:30:00+01'),
);
const bytea = fc
  .uint8Array({ maxLength: 8 })
  .map((bytes) => String.raw`\x` + Buffer.from(bytes).toString('hex'));
const mood = fc.constantFrom('zest', 'a"b', 'calm', 'Calm', 'böse', '');

const one = (value: string): fc.Arbitrary<string> => fc.constant(value);

export const KEY_SHAPES: readonly KeyShape[] = [
  { name: 'smallint, anywhere between its ends', columns: ['smallint'], key: [smallint] },
  { name: 'integer, anywhere between its ends', columns: ['integer'], key: [integer] },
  { name: 'bigint, anywhere between its ends', columns: ['bigint'], key: [bigint] },
  { name: 'uuid, anywhere between its ends', columns: ['uuid'], key: [uuid] },
  { name: 'text under the collation of the database', columns: ['text'], key: [text] },
  { name: 'text by bytes', columns: ['text COLLATE "C"'], key: [text] },
  { name: 'text as people sort it', columns: ['text COLLATE "en-x-icu"'], key: [text] },
  {
    name: 'text to whose collation many letters are the same',
    columns: ['text COLLATE public.blind'],
    key: [text],
  },
  { name: 'text of 2,600 bytes', columns: ['text'], key: [long] },
  {
    name: 'varchar(20) and char(5)',
    columns: ['varchar(20)', 'char(5)'],
    key: [
      text.map((each) => Array.from(each).slice(0, 20).join('')),
      fc.constantFrom('', 'a', 'a ', 'ab', 'A', 'é', '"[],'),
    ],
  },
  { name: 'citext in a schema that is not on the path', columns: ['ext.citext'], key: [text] },
  { name: 'numeric of different scales', columns: ['numeric'], key: [numeric] },
  { name: 'date', columns: ['date'], key: [date] },
  { name: 'timestamp', columns: ['timestamp'], key: [timestamp] },
  { name: 'timestamp with time zone', columns: ['timestamptz'], key: [timestamptz] },
  { name: 'bytea', columns: ['bytea'], key: [bytea] },
  { name: 'an enum', columns: ['public.mood', 'integer'], key: [mood, integer] },
  {
    name: 'a domain over text',
    columns: ['public.code'],
    key: [text.filter((each) => Array.from(each).length < 9)],
  },
  {
    name: 'a tenant and a number, one tenant for all rows',
    columns: ['uuid', 'bigint'],
    key: [one('00000000-0000-0000-0000-00000000000a'), bigint],
  },
  {
    name: 'a tenant and a number',
    columns: ['uuid', 'bigint'],
    key: [
      fc.constantFrom('00000000-0000-0000-0000-00000000000a', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
      bigint,
    ],
  },
  {
    name: 'two columns of opposite order',
    columns: ['smallint', 'text'],
    primaryKey: 'k1 DESC, k2',
    key: [fc.constantFrom('1', '2', '3'), text],
  },
  {
    name: 'two columns backwards, with nulls where an index has them seldom',
    columns: ['smallint', 'smallint'],
    primaryKey: 'k1 DESC NULLS LAST, k2 NULLS FIRST',
    key: [fc.constantFrom('1', '2', '3'), smallint],
  },
  {
    name: 'numbers of different scales before another column',
    columns: ['numeric', 'integer'],
    key: [fc.constantFrom('1', '1.0', '1.00', '2', 'NaN'), fc.integer({ min: 0, max: 5 }).map(String)],
  },
  {
    name: 'citext before another column, in opposite order',
    columns: ['ext.citext', 'date'],
    primaryKey: 'k1, k2 DESC',
    key: [fc.constantFrom('Ann', 'ann', 'ANN', 'bob'), date],
  },
  {
    name: 'eight columns',
    columns: [
      'smallint',
      'text COLLATE public.blind',
      'numeric',
      'date',
      'bytea',
      'uuid',
      'integer',
      'timestamptz',
    ],
    primaryKey: 'k1, k2 DESC, k3, k4 DESC, k5, k6, k7 DESC, k8',
    key: [
      fc.constantFrom('1', '2'),
      fc.constantFrom('a', 'A', 'b'),
      fc.constantFrom('1', '1.0'),
      fc.constantFrom('2024-01-01', 'infinity'),
      fc.constantFrom(String.raw`\x00`, String.raw`\x`),
      fc.constantFrom('00000000-0000-0000-0000-00000000000a'),
      fc.constantFrom('1', '2', '3'),
      timestamptz,
    ],
  },
];

/** Types and collations of some of them. In a fresh database. */
export async function makeKeyTypes(db: Queryable): Promise<void> {
  for (const sql of [
    'CREATE SCHEMA ext',
    'CREATE EXTENSION citext SCHEMA ext',
    `CREATE COLLATION public.blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false)`,
    `CREATE TYPE public.mood AS ENUM ('zest', 'a"b', 'calm', 'Calm', 'böse', '')`,
    'CREATE DOMAIN public.code AS text CHECK (length(value) < 9)',
  ])
    await db.query(sql);
}

/** How a table `docs` of the shape is made and filled. */
export interface ShapedTable {
  /** Of the key's columns. */
  names: string[];
  /** Without their collations. */
  types: string[];
  create: string[];
  /** INSERT of keys with that text, SQL over `u` with the key's columns; those that are there already are left. */
  insert: (body: string) => string;
  /** Its values. */
  lists: (keys: readonly (readonly string[])[]) => string[][];
}

export function shapedTable({ columns, primaryKey }: KeyShape): ShapedTable {
  const names = columns.map((_, at) => `k${at + 1}`);
  const types = columns.map((type) => type.replace(/ COLLATE.*/, ''));
  const list = `unnest(${types.map((type, at) => `$${at + 1}::text[]::${type}[]`).join(', ')}) AS u (${names.join(', ')})`;
  return {
    names,
    types,
    create: [
      `CREATE TABLE docs (${names.map((name, at) => `${name} ${columns[at]} NOT NULL`).join(', ')}, body text)`,
      `CREATE UNIQUE INDEX docs_key ON docs (${primaryKey ?? names.join(', ')})`,
    ],
    insert: (body) =>
      `INSERT INTO docs SELECT ${names.map((name) => `u.${name}`).join(', ')}, ${body} FROM ${list} ON CONFLICT DO NOTHING`,
    lists: (keys) => columns.map((_, at) => keys.map((parts) => parts[at] ?? '')),
  };
}

/** Keys of the shape, no two of one text. */
export const keysOf = (
  { key }: KeyShape,
  length: { minLength: number; maxLength: number },
): fc.Arbitrary<string[][]> =>
  fc.uniqueArray(fc.tuple(...key), { ...length, selector: (parts) => parts.join('\0') });
