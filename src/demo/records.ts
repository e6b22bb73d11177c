/**
 * Reads a user's own texts from a file, to fill the sample table or to train on: `.jsonl`, `.ndjson`, `.csv` or `.tsv`, each
 * also with `.gz`. One record at a time, so that the file may be larger than the memory.
 */

import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { ConfigError, messageOf } from '../errors.ts';
import { decode } from './decode-text.ts';
import { withDelimiter } from './delimiter.ts';
import { RecordShaper, type SampleRecord } from './record-shape.ts';

export interface ReadOptions {
  /** Told once, after the last record, where something had to be changed. */
  onNotes?: (notes: string[]) => void;
  signal?: AbortSignal;
}

/** Title and text of each record, joined as the columns of a table are. @throws ConfigError as `readRecords` does */
export async function* recordTexts(file: string, options: ReadOptions = {}): AsyncGenerator<string> {
  for await (const record of readRecords(file, options))
    yield [record.title, record.body].filter((part) => part !== null).join('\n');
}

/**
 * Records of a file in its order.
 * @throws ConfigError `RECORDS_FORMAT`, `RECORDS_UNREADABLE`, `RECORDS_EMPTY`, `RECORD_SYNTAX`, `RECORD_FIELD`,
 * `RECORD_DUPLICATE`; those about a record name file, line and field
 */
export async function* readRecords(file: string, options: ReadOptions = {}): AsyncGenerator<SampleRecord> {
  const { csv, zipped } = await assertReadable(file);
  const shaper = new RecordShaper(file);
  const bytes = openFile(file, zipped);
  const notes: string[] = [];
  const text = readable(
    file,
    decode(file, bytes as AsyncIterable<Buffer>, (note) => notes.push(note)),
  );
  const rows = csv ? csvRows(file, text) : jsonRows(file, text);
  let count = 0;
  try {
    for await (const { line, fields } of rows) {
      options.signal?.throwIfAborted();
      count += 1;
      yield shaper.shape(line, fields);
    }
  } finally {
    bytes.destroy();
  }
  if (count === 0) {
    throw new ConfigError(`${file} holds no record`, {
      code: 'RECORDS_EMPTY',
      remedy: 'Give a file with at least one record.',
    });
  }
  notes.push(...shaper.notes());
  if (notes.length > 0) options.onNotes?.(notes);
}

/** Its name and whether it can be opened, before anything is begun. @throws ConfigError `RECORDS_FORMAT`, `RECORDS_UNREADABLE` */
export async function assertReadable(file: string): Promise<{ csv: boolean; zipped: boolean }> {
  const format = /\.(jsonl|ndjson|csv|tsv)(\.gz)?$/i.exec(file);
  if (format === null) {
    throw new ConfigError(`${file} is none of .jsonl, .ndjson, .csv and .tsv (nor one of them with .gz)`, {
      code: 'RECORDS_FORMAT',
      remedy:
        'Give a file of JSON lines (of a JSON list: `jq -c .[] FILE.json > FILE.jsonl`), or a table with a header row, separated by commas, semicolons or tabs.',
    });
  }
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw unreadable(file, error);
  }
  return { csv: /^[ct]sv$/i.test(format[1] ?? ''), zipped: format[2] !== undefined };
}

/** A record before its fields are checked, with the line it starts on, counted from 1. */
interface RawRow {
  line: number;
  fields: Readonly<Record<string, unknown>>;
}

function openFile(file: string, zipped: boolean): Readable {
  const source = createReadStream(file);
  // Errors of either stream surface where the last one is read.
  return zipped ? pipeline(source, createGunzip(), () => {}) : source;
}

/** What fails below is the file's fault. */
async function* readable(file: string, text: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* text;
  } catch (error) {
    throw error instanceof ConfigError ? error : unreadable(file, error);
  }
}

async function* jsonRows(file: string, text: AsyncIterable<string>): AsyncGenerator<RawRow> {
  let line = 0;
  for await (const raw of splitLines(text)) {
    line += 1;
    const object = line === 1 ? raw.replace(/^\uFEFF/, '') : raw;
    if (object.trim() !== '') yield { line, fields: parseObject(file, line, object) };
  }
}

/** At line feeds only: node:readline also splits at U+2028, which stands unescaped in valid JSON. */
async function* splitLines(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of text) {
    const lines = chunk.split('\n');
    lines[0] = rest + lines[0]!;
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function parseObject(file: string, line: number, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw syntaxError(file, line, messageOf(error), error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw syntaxError(file, line, 'not a JSON object');
  }
  return value as Record<string, unknown>;
}

async function* csvRows(file: string, text: AsyncIterable<string>): AsyncGenerator<RawRow> {
  const { delimiter, skipped, whole } = await withDelimiter(text);
  let line = 1 + skipped;
  const parser = parse({
    bom: true,
    delimiter,
    // What writes tabs between fields often has quotes that are a part of the text.
    relax_quotes: delimiter === '\t',
    columns: (header: string[]) => header.map((name) => name.trim().toLowerCase()),
    skip_empty_lines: true,
    info: true,
  });
  const source = Readable.from(whole);
  source.once('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: Record<string, string>;
      info: { lines: number };
    }>) {
      // `lines` is where the record ends; a quoted text may hold line breaks.
      yield { line: line + 1, fields: record };
      line = info.lines + skipped;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))) {
      throw error instanceof ConfigError ? error : unreadable(file, error);
    }
    const at = 'lines' in error && typeof error.lines === 'number' ? error.lines + skipped : line + 1;
    throw syntaxError(file, at, error.message, error);
  }
}

function syntaxError(file: string, line: number, what: string, cause?: unknown): ConfigError {
  return new ConfigError(`${file} line ${line}: ${what}`, {
    code: 'RECORD_SYNTAX',
    remedy: 'Correct that line, or export the file again.',
    cause,
  });
}

function unreadable(file: string, cause: unknown): ConfigError {
  return new ConfigError(`${file} cannot be read: ${messageOf(cause)}`, {
    code: 'RECORDS_UNREADABLE',
    remedy: 'Check the path, the permission, and that the file is whole.',
    cause,
  });
}
