/**
 * Reads a user's own texts from a file, to fill the sample table or to train on: `.jsonl` or `.csv`, each also with
 * `.gz`. One record at a time, so that the file may be larger than the memory.
 */

import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { ConfigError, messageOf } from '../errors.ts';
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
  const rows = csv ? csvRows(file, bytes) : jsonRows(file, bytes);
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
  const notes = shaper.notes();
  if (notes.length > 0) options.onNotes?.(notes);
}

/** Its name and whether it can be opened, before anything is begun. @throws ConfigError `RECORDS_FORMAT`, `RECORDS_UNREADABLE` */
export async function assertReadable(file: string): Promise<{ csv: boolean; zipped: boolean }> {
  const format = /\.(jsonl|csv)(\.gz)?$/i.exec(file);
  if (format === null) {
    throw new ConfigError(`${file} is neither .jsonl nor .csv (nor either with .gz)`, {
      code: 'RECORDS_FORMAT',
      remedy: 'Give a file of JSON lines, or a CSV file with a header row.',
    });
  }
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw unreadable(file, error);
  }
  return { csv: format[1]?.toLowerCase() === 'csv', zipped: format[2] !== undefined };
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

async function* jsonRows(file: string, bytes: Readable): AsyncGenerator<RawRow> {
  let line = 0;
  for await (const raw of splitLines(file, bytes)) {
    line += 1;
    const text = line === 1 ? raw.replace(/^\uFEFF/, '') : raw;
    if (text.trim() !== '') yield { line, fields: parseObject(file, line, text) };
  }
}

/** At line feeds only: node:readline also splits at U+2028, which stands unescaped in valid JSON. */
async function* splitLines(file: string, bytes: Readable): AsyncGenerator<string> {
  bytes.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of bytes as AsyncIterable<string>) {
      const lines = chunk.split('\n');
      lines[0] = rest + lines[0]!;
      rest = lines.pop()!;
      yield* lines;
    }
  } catch (error) {
    throw unreadable(file, error);
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

async function* csvRows(file: string, bytes: Readable): AsyncGenerator<RawRow> {
  let line = 1;
  const parser = parse({
    bom: true,
    columns: (header: string[]) => header.map((name) => name.trim().toLowerCase()),
    skip_empty_lines: true,
    info: true,
  });
  bytes.once('error', (error) => parser.destroy(error));
  bytes.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: Record<string, string>;
      info: { lines: number };
    }>) {
      // `lines` is where the record ends; a quoted text may hold line breaks.
      yield { line: line + 1, fields: record };
      line = info.lines;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))) {
      throw error instanceof ConfigError ? error : unreadable(file, error);
    }
    const at = 'lines' in error && typeof error.lines === 'number' ? error.lines : line + 1;
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
