/**
 * Encoder of PostgreSQL's binary COPY format for staging rows.
 * Format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format"); a vector is int16 dimensions,
 * int16 unused, then float32 components, all big-endian (pgvector src/vector.c, vector_recv).
 */

import { endianness } from 'node:os';

/** 'PGCOPY\n\377\r\n\0', flags, length of the header extension. */
const HEADER = Buffer.from([
  0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);
const TRAILER = Buffer.from([0xff, 0xff]);

/** Bytes collected before a chunk is handed to the socket: few system calls, bounded memory. */
const CHUNK_BYTES = 256 * 1024;

export interface StagedRow {
  /** The key's columns, each as its length (int32) and its bytes, as the server's own send functions gave them. */
  key: Buffer;
  vector: Float32Array;
  /** 32 bytes. */
  textHash: Buffer;
  /** The vector is of the text's beginning only. */
  truncated: boolean;
  /** Which passage of the text it is of, and where that begins and ends, in characters. */
  passage?: StagedPassage;
}

interface StagedPassage {
  /** From 0. */
  number: number;
  /** From 0; the end is exclusive. */
  start: number;
  end: number;
  /** Of the passage itself, 32 bytes, where the text was cut into such. */
  hash?: Buffer;
}

export interface CopyShape {
  keyColumns: number;
  dimensions: number;
  /** Batch number, the same for every row of a COPY. */
  batch: number;
  /** Whether the table has a row for each passage. */
  hasPassages?: boolean;
}

const PASSAGE_FIELDS = 4;
const PASSAGE_BYTES = 3 * 8 + 4 + 32;

/**
 * Columns: those of the key, embedding, text_hash, batch, truncated; chunk, chunk_start, chunk_end and chunk_hash where it has passages. Yields buffers of
 * about 256 kB, the last one with the trailer.
 */
export function* encodeStagedRows(rows: Iterable<StagedRow>, shape: CopyShape): Generator<Buffer> {
  const vectorBytes = 4 + 4 * shape.dimensions;
  const bytesBesideKey =
    2 + (4 + vectorBytes) + (4 + 32) + (4 + 4) + (4 + 1) + (shape.hasPassages === true ? PASSAGE_BYTES : 0);
  const capacity = Math.max(CHUNK_BYTES, bytesBesideKey);
  let buffer = Buffer.allocUnsafe(capacity + HEADER.length);
  let at = HEADER.copy(buffer);
  for (const row of rows) {
    const rowBytes = bytesBesideKey + row.key.length;
    if (at + rowBytes > buffer.length) {
      yield buffer.subarray(0, at);
      buffer = Buffer.allocUnsafe(Math.max(capacity, rowBytes));
      at = 0;
    }
    at = writeRow(buffer, at, row, shape, vectorBytes);
  }
  yield buffer.subarray(0, at);
  yield TRAILER;
}

function writeRow(
  buffer: Buffer,
  start: number,
  row: StagedRow,
  shape: CopyShape,
  vectorBytes: number,
): number {
  if (row.vector.length !== shape.dimensions || row.textHash.length !== 32) {
    throw new RangeError(
      `vector of ${row.vector.length} components or hash of ${row.textHash.length} bytes in a COPY of ${shape.dimensions}`,
    );
  }
  let at = buffer.writeInt16BE(
    shape.keyColumns + 4 + (shape.hasPassages === true ? PASSAGE_FIELDS : 0),
    start,
  );
  at += row.key.copy(buffer, at);
  at = buffer.writeInt32BE(vectorBytes, at);
  at = buffer.writeInt16BE(shape.dimensions, at);
  at = buffer.writeInt16BE(0, at);
  const { vector } = row;
  const components = buffer.subarray(at, at + 4 * shape.dimensions);
  // Copied whole and turned over in place: ten times as fast as one number after the other.
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).copy(components);
  if (endianness() === 'LE') components.swap32();
  at += components.length;
  at = buffer.writeInt32BE(32, at);
  at += row.textHash.copy(buffer, at);
  at = buffer.writeInt32BE(4, at);
  at = buffer.writeInt32BE(shape.batch, at);
  at = buffer.writeInt32BE(1, at);
  at = buffer.writeUInt8(row.truncated ? 1 : 0, at);
  if (shape.hasPassages !== true) return at;
  if (row.passage === undefined) throw new RangeError('a row without its passage in a COPY of passages');
  const { number, start: from, end, hash } = row.passage;
  for (const value of [number, from, end]) {
    at = buffer.writeInt32BE(4, at);
    at = buffer.writeInt32BE(value, at);
  }
  if (hash === undefined) return buffer.writeInt32BE(-1, at);
  if (hash.length !== 32) throw new RangeError(`hash of a passage of ${hash.length} bytes in a COPY`);
  at = buffer.writeInt32BE(32, at);
  return at + hash.copy(buffer, at);
}
