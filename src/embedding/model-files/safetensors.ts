/** Tensors from a .safetensors file (github.com/huggingface/safetensors): a header of JSON, then numbers one behind the other. */

import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { ofBfloat16, ofFloat16 } from './short-floats.ts';

const entry = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});
type Entry = z.infer<typeof entry>;
const header = z.record(z.string(), z.unknown());

/** Numbers as they are kept here: those of one byte, which a mean reads as they are, in that byte. */
export type Numbers = Float32Array | Int8Array | Int32Array;

export interface Tensor<Data extends Numbers = Float32Array> {
  shape: readonly number[];
  data: Data;
}

/** Bytes of the length in front of the header. */
const LENGTH_BYTES = 8;
/** Of names and places; a header that is larger is none. */
const MOST_HEADER_BYTES = 100 * 1024 * 1024;
/** Read at a time: a matrix of half a gigabyte is not in memory twice. */
const PIECE_BYTES = 1024 * 1024;

interface Kind<Data extends Numbers> {
  bytes: number;
  make(count: number): Data;
  /** The numbers of a piece, which are of little end, as those of every machine that this runs on. */
  view(piece: ArrayBuffer): ArrayLike<number>;
}
type Kinds<Data extends Numbers> = Readonly<Record<string, Kind<Data>>>;

const floats = (bytes: number, view: Kind<Float32Array>['view']): Kind<Float32Array> => ({
  bytes,
  make: (count) => new Float32Array(count),
  view,
});
const integers = (bytes: number, view: Kind<Int32Array>['view']): Kind<Int32Array> => ({
  bytes,
  make: (count) => new Int32Array(count),
  view,
});

export const FLOATS: Kinds<Float32Array> = {
  F32: floats(4, (piece) => new Float32Array(piece)),
  F16: floats(2, (piece) => ofFloat16(new Uint16Array(piece))),
  BF16: floats(2, (piece) => ofBfloat16(new Uint16Array(piece))),
};
/** As numpy computes in. */
export const WIDE_FLOATS: Kinds<Float32Array> = {
  ...FLOATS,
  F64: floats(8, (piece) => new Float64Array(piece)),
};
export const MATRICES: Kinds<Float32Array | Int8Array> = {
  ...WIDE_FLOATS,
  I8: { bytes: 1, make: (count) => new Int8Array(count), view: (piece) => new Int8Array(piece) },
};
export const INTEGERS: Kinds<Int32Array> = {
  I32: integers(4, (piece) => new Int32Array(piece)),
  I64: integers(8, (piece) => Array.from(new BigInt64Array(piece), Number)),
};

export class Safetensors {
  readonly #name: string;
  readonly #file: FileHandle;
  readonly #bytes: number;
  /** Where the numbers begin. */
  readonly #start: number;
  readonly #entries: Readonly<Record<string, unknown>>;

  private constructor(
    name: string,
    file: FileHandle,
    bytes: number,
    start: number,
    entries: Readonly<Record<string, unknown>>,
  ) {
    this.#name = name;
    this.#file = file;
    this.#bytes = bytes;
    this.#start = start;
    this.#entries = entries;
  }

  /** For the time of `work`. @throws Error where it is no such file */
  static async with<T>(path: string, work: (file: Safetensors) => Promise<T>): Promise<T> {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const length = Buffer.alloc(LENGTH_BYTES);
      await file.read(length, 0, LENGTH_BYTES, 0);
      const bytes = Number(length.readBigUInt64LE());
      const start = LENGTH_BYTES + bytes;
      if (bytes === 0 || bytes > MOST_HEADER_BYTES || start > size)
        throw new Error(`${path} is no safetensors file`);
      const text = Buffer.alloc(bytes);
      await file.read(text, 0, bytes, LENGTH_BYTES);
      const entries = header.parse(JSON.parse(text.toString('utf8')));
      return await work(new Safetensors(path, file, size, start, entries));
    } finally {
      await file.close();
    }
  }

  get names(): string[] {
    return Object.keys(this.#entries).filter((name) => name !== '__metadata__');
  }

  /** Bytes that a tensor takes in memory; 0 where there is none, or of no kind that is read. */
  memoryOf(name: string, kinds: Kinds<Numbers>, columns = Infinity): number {
    const found = entry.safeParse(this.#entries[name]);
    const kind = found.success ? kinds[found.data.dtype] : undefined;
    if (!found.success || kind === undefined) return 0;
    const width = found.data.shape.at(-1) ?? 1;
    const all = found.data.shape.reduce((product, size) => product * size, 1);
    return (all / Math.max(width, 1)) * Math.min(width, columns) * kind.make(0).BYTES_PER_ELEMENT;
  }

  /**
   * Null where it has no such tensor. `columns`: of a matrix no more than its first ones.
   * @throws Error where the file is damaged, or the tensor of another kind
   */
  async tensor<Data extends Numbers>(
    name: string,
    kinds: Kinds<Data>,
    columns?: number,
  ): Promise<Tensor<Data> | null> {
    if (!Object.hasOwn(this.#entries, name)) return null;
    const { dtype, shape, data_offsets: place } = entry.parse(this.#entries[name]);
    const kind = Object.hasOwn(kinds, dtype) ? kinds[dtype] : undefined;
    if (kind === undefined)
      throw new Error(`${this.#name} has ${name} as ${dtype}, not as ${listed(Object.keys(kinds))}`);
    const count = shape.reduce((product, size) => product * size, 1);
    const ends = this.#start + place[1];
    if (ends > this.#bytes || place[1] - place[0] !== count * kind.bytes)
      throw new Error(
        `${this.#name} is damaged: ${name} ends elsewhere (the file has ${this.#bytes} bytes, and ${ends} are written of in its header)`,
      );
    return this.#numbers(kind, shape, place, columns);
  }

  async #numbers<Data extends Numbers>(
    kind: Kind<Data>,
    shape: Entry['shape'],
    [from, to]: Entry['data_offsets'],
    columns: number | undefined,
  ): Promise<Tensor<Data>> {
    const width = shape.at(-1) ?? 1;
    const kept = Math.min(columns ?? width, width);
    const shapeOfKept = shape.length === 0 ? shape : [...shape.slice(0, -1), kept];
    if (to === from) return { shape: shapeOfKept, data: kind.make(0) };
    const data = kind.make(((to - from) / kind.bytes / width) * kept);
    const inPiece = Math.max(1, Math.floor(PIECE_BYTES / (width * kind.bytes))) * width;
    const piece = new Uint8Array(inPiece * kind.bytes);
    let at = 0;
    for (let position = from; position < to; position += piece.length) {
      const bytes = Math.min(piece.length, to - position);
      await this.#file.read(piece, 0, bytes, this.#start + position);
      const numbers = kind.view(piece.buffer);
      const count = bytes / kind.bytes;
      for (let row = 0; row < count; row += width)
        for (let column = 0; column < kept; column++) data[at++] = numbers[row + column]!;
    }
    return { shape: shapeOfKept, data };
  }
}

/** By their names. @throws Error where the file is damaged, or a tensor is not of F32, F16 or BF16 */
export const readSafetensors = (path: string, names: readonly string[]): Promise<Map<string, Tensor>> =>
  Safetensors.with(path, async (file) => {
    const found = new Map<string, Tensor>();
    for (const name of names) {
      const tensor = await file.tensor(name, FLOATS);
      if (tensor !== null) found.set(name, tensor);
    }
    return found;
  });

const listed = (words: readonly string[]): string =>
  words.length === 1 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
