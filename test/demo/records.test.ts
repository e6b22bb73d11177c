import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import type { SampleRecord } from '../../src/demo/record-shape.ts';
import { readRecords } from '../../src/demo/records.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'records-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function read(
  name: string,
  content: string | Buffer,
): Promise<{ records: SampleRecord[]; notes: string[] }> {
  const file = join(directory, name);
  await writeFile(file, content);
  const records: SampleRecord[] = [];
  const notes: string[] = [];
  for await (const record of readRecords(file, { onNotes: (told) => notes.push(...told) }))
    records.push(record);
  return { records, notes };
}

const texts = ({ records }: { records: SampleRecord[] }) =>
  records.map(({ id, title, body }) => [id, title, body]);

const LINES =
  '{"id":7,"title":"One","text":"first"}\n{"id":"9007199254740993","title":"Two","body":"second"}\n';
const CSV = 'id,title,body\n7,One,first\n9007199254740993,Two,"second, with\na line break"\n';

test('reads JSON lines, with ids beyond what a number holds', async () => {
  const read7 = await read('a.jsonl', LINES);
  expect(texts(read7)).toEqual([
    [7n, 'One', 'first'],
    [9007199254740993n, 'Two', 'second'],
  ]);
  expect(read7.notes).toEqual([]);
});

test.each([
  ['zipped', 'b.jsonl.gz', gzipSync(LINES)],
  ['with a byte order mark, CRLF and empty lines', 'c.jsonl', `\uFEFF${LINES.replaceAll('\n', '\r\n\r\n')}`],
  ['without a last line feed', 'd.jsonl', LINES.trimEnd()],
])('JSON lines %s', async (_, name, content) => {
  expect((await read(name, content)).records).toEqual((await read('a.jsonl', LINES)).records);
});

test('reads CSV with quoted line breaks', async () => {
  expect(texts(await read('a.csv', CSV))).toEqual([
    [7n, 'One', 'first'],
    [9007199254740993n, 'Two', 'second, with\na line break'],
  ]);
});

test.each([
  ['zipped', 'b.csv.gz', gzipSync(CSV)],
  [
    'with a byte order mark and capitals in the header',
    'c.CSV',
    `\uFEFF${CSV.replace('id,title', 'ID, Title')}`,
  ],
])('CSV %s', async (_, name, content) => {
  expect((await read(name, content)).records).toEqual((await read('a.csv', CSV)).records);
});

test('fills in what is not there', async () => {
  const { records } = await read('e.jsonl', '{"id":1,"title":"Only a title"}\n{"id":2,"text":"Only a text"}');
  expect(records).toEqual([
    { id: 1n, title: 'Only a title', body: null, status: 'published', updatedAt: new Date(0) },
    { id: 2n, title: '', body: 'Only a text', status: 'published', updatedAt: new Date(0) },
  ]);
});

test('takes status and time', async () => {
  const line = '{"id":1,"title":"T","status":"draft","updated_at":"2024-05-01T10:00:00Z"}';
  const { records } = await read('f.jsonl', line);
  expect(records[0]).toMatchObject({ status: 'draft', updatedAt: new Date('2024-05-01T10:00:00Z') });
});

const UMLAUTS = 'id;title;body\n7;Grüße;"Käse; süß"\n9007199254740993;Zwei;zweitens\n';
const UTF16 = Buffer.from(`\uFEFF${UMLAUTS}`, 'utf16le');

test.each<[string, string, string | Buffer, RegExp | null]>([
  ['separated by semicolons', 'semicolon.csv', UMLAUTS, null],
  ['that names its separator', 'named.csv', `sep=;\r\n${UMLAUTS}`, null],
  ['separated by tabs', 'tab.csv', UMLAUTS.replaceAll(/;(?! )/g, '\t'), null],
  ['of tabs by name, zipped', 'tab.tsv.gz', gzipSync(UMLAUTS.replaceAll(/;(?! )/g, '\t')), null],
  ['in UTF-16', 'utf16.csv', UTF16, /UTF-16/],
  ['in UTF-16 of the other order', 'utf16be.csv', Buffer.from(UTF16).swap16(), /UTF-16/],
  ['in UTF-16 without a mark', 'bare16.csv', UTF16.subarray(2), /UTF-16/],
  ['in Latin-1', 'latin.csv', Buffer.from(UMLAUTS, 'latin1'), /not in UTF-8.*Windows-1252/],
])('CSV %s', async (_, name, content, note) => {
  const { records, notes } = await read(name, content);
  expect(texts({ records })).toEqual([
    [7n, 'Grüße', 'Käse; süß'],
    [9007199254740993n, 'Zwei', 'zweitens'],
  ]);
  expect(notes).toEqual(note === null ? [] : [expect.stringMatching(note)]);
});

test('JSON lines by their other name, in Windows-1252, and of one letter at the end', async () => {
  const bytes = Buffer.concat([
    Buffer.from('{"id":1,"title":"5 '),
    Buffer.from([0x80]),
    Buffer.from(' caf'),
    Buffer.from([0xe9]),
    Buffer.from('"}'),
  ]);
  const { records, notes } = await read('a.ndjson', bytes);
  expect(records[0]?.title).toBe('5 € café');
  expect(notes).toHaveLength(1);
});

test('letters that fall between two chunks are whole', async () => {
  const title = '日本語'.repeat(100_000);
  const { records, notes } = await read('long.jsonl', JSON.stringify({ id: 1, title }));
  expect(records[0]?.title).toBe(title);
  expect(notes).toEqual([]);
});

test('columns of another meaning by the names of ours count as nothing, and are told', async () => {
  const { records, notes } = await read(
    'own.csv',
    'id,title,status,updated_at\n1,A,open,31.12.2024\n2,B,draft,\n',
  );
  expect(records.map(({ status, updatedAt }) => [status, updatedAt])).toEqual([
    ['published', new Date(0)],
    ['draft', new Date(0)],
  ]);
  expect(notes).toEqual([
    expect.stringMatching(/1 records have a status/),
    expect.stringMatching(/1 records have an updated_at/),
  ]);
});

test.each(['{"title":"A"}\n\n{"title":"B"}', '{"id":"W05-01","title":"A"}\n\n{"id":"W05-02","title":"B"}'])(
  'numbers records by their line where ids are missing or no numbers, and says so: %j',
  async (content) => {
    const numbered = await read('g.jsonl', content);
    expect(numbered.records.map(({ id }) => id)).toEqual([1n, 3n]);
    expect(numbered.notes).toEqual([expect.stringContaining('numbered by their line')]);
  },
);

test('makes texts storable, and says what was changed', async () => {
  const { records, notes } = await read(
    'h.jsonl',
    String.raw`{"id":1,"title":"a\u0000b\u0000","text":"x\ud800y 😀"}`,
  );
  expect(records[0]).toMatchObject({ title: 'ab', body: 'x\uFFFDy 😀' });
  expect(notes).toEqual([
    expect.stringContaining('removed 2 NUL characters'),
    expect.stringContaining('replaced 1 half'),
  ]);
});

test.each([
  ['empty.jsonl', '', 'RECORDS_EMPTY', 'holds no record'],
  ['empty.csv', 'id,title\n', 'RECORDS_EMPTY', 'holds no record'],
  ['a.txt', 'x', 'RECORDS_FORMAT', 'none of .jsonl, .ndjson, .csv and .tsv'],
  [
    'damaged.jsonl',
    Buffer.concat([Buffer.from('{"title":"Käse, Grüße"}\n{"title":"'), Buffer.from([0xe9, 0x22, 0x7d])]),
    'RECORDS_ENCODING',
    'line 2: bytes that are no UTF-8',
  ],
  ['broken.jsonl', '{"title":"A"}\n{"title":', 'RECORD_SYNTAX', 'line 2'],
  ['list.jsonl', '["A"]', 'RECORD_SYNTAX', 'line 1: not a JSON object'],
  ['short.csv', 'id,title,body\n1,A,B\n2,C\n', 'RECORD_SYNTAX', 'line 3'],
  [
    'twice.jsonl',
    '{"id":5,"title":"A"}\n{"id":5,"title":"B"}',
    'RECORD_DUPLICATE',
    'line 2: id 5 was given on line 1',
  ],
  ['twice.csv', 'id,title,body\n5,A,"x\ny"\n5,B,z', 'RECORD_DUPLICATE', 'line 4: id 5 was given on line 2'],
  ['nothing.jsonl', '{"id":1}', 'RECORD_FIELD', 'line 1, field title'],
  ['other.csv', 'id,name\n1,A\n', 'RECORD_FIELD', 'line 2, field title'],
  [
    'type.jsonl',
    '{"id":1,"title":"A","text":7}',
    'RECORD_FIELD',
    'line 1, field text: not a text but number',
  ],
  ['mixed.jsonl', '{"id":1,"title":"A"}\n{"id":"x","title":"B"}', 'RECORD_FIELD', 'line 2, field id: "x"'],
  [
    'huge.jsonl',
    '{"id":1,"title":"A"}\n{"id":"9223372036854775808","title":"B"}',
    'RECORD_FIELD',
    'line 2, field id',
  ],
  ['cut.jsonl.gz', gzipSync(LINES.repeat(50)).subarray(0, 40), 'RECORDS_UNREADABLE', 'cannot be read'],
  ['no.csv.gz', CSV, 'RECORDS_UNREADABLE', 'cannot be read'],
])('%s is refused with the place and the cause', async (name, content, code, message) => {
  const failure = await read(name, content).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConfigError);
  expect(failure).toMatchObject({ code, message: expect.stringContaining(message) as string });
  expect((failure as Error).message).toContain(name);
});

test('a missing file is named', async () => {
  const reading = readRecords(join(directory, 'absent.jsonl')).next();
  await expect(reading).rejects.toMatchObject({ code: 'RECORDS_UNREADABLE' });
});

test('a reader may stop early', async () => {
  const file = join(directory, 'long.jsonl');
  await writeFile(file, '{"title":"A"}\n'.repeat(100_000));
  for await (const record of readRecords(file)) {
    expect(record.id).toBe(1n);
    break;
  }
});

test('any text comes through as it is written', async () => {
  const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\0', ''));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ title: text, body: text }), { minLength: 1 }), async (rows) => {
      const content = rows.map((row, id) => JSON.stringify({ id, ...row })).join('\n');
      expect((await read('any.jsonl', content)).records).toMatchObject(rows);
    }),
    { numRuns: 50 },
  );
  expect(texts(await read('separator.jsonl', '{"id":1,"title":"a\u2028b\u2029c"}'))).toEqual([
    [1n, 'a\u2028b\u2029c', null],
  ]);
});
