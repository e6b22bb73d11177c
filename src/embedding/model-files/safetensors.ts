/** Tensors from a .safetensors file (github.com/huggingface/safetensors): a header of JSON, then numbers one behind the other. */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const entry = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});
const header = z.record(z.string(), z.unknown());

export interface Tensor {
  shape: readonly number[];
  data: Float32Array;
}

/** Bytes of the length in front of the header. */
const LENGTH_BYTES = 8;
const BYTES = { F32: 4, F16: 2, BF16: 2 } as const;

/** By their names. @throws Error where the file is damaged, or a tensor is not of F32, F16 or BF16 */
export async function readSafetensors(file: string, names: readonly string[]): Promise<Map<string, Tensor>> {
  const bytes = await readFile(file);
  const start = LENGTH_BYTES + Number(bytes.length < LENGTH_BYTES ? 0n : bytes.readBigUInt64LE(0));
  if (bytes.length < start || start === LENGTH_BYTES) throw new Error(`${file} is no safetensors file`);
  const entries = header.parse(JSON.parse(bytes.toString('utf8', LENGTH_BYTES, start)));
  const found = new Map<string, Tensor>();
  for (const name of names) {
    if (!Object.hasOwn(entries, name)) continue;
    const { dtype, shape, data_offsets: place } = entry.parse(entries[name]);
    const [from, to] = [start + place[0], start + place[1]];
    const count = shape.reduce((product, size) => product * size, 1);
    const width = BYTES[dtype as keyof typeof BYTES];
    if (width === undefined) throw new Error(`${file} has ${name} as ${dtype}, not as F32, F16 or BF16`);
    if (to > bytes.length || to - from !== count * width)
      throw new Error(`${file} is damaged: ${name} ends elsewhere`);
    const read = { F32: float32, F16: float16, BF16: bfloat16 }[dtype as keyof typeof BYTES];
    found.set(name, {
      shape,
      data: Float32Array.from({ length: count }, (_, at) => read(bytes, from + at * width)),
    });
  }
  return found;
}

const float32 = (bytes: Buffer, at: number): number => bytes.readFloatLE(at);

/** The upper half of a float32. */
const word = new DataView(new ArrayBuffer(4));
function bfloat16(bytes: Buffer, at: number): number {
  word.setUint32(0, bytes.readUInt16LE(at) * 2 ** 16);
  return word.getFloat32(0);
}

function float16(bytes: Buffer, at: number): number {
  const bits = bytes.readUInt16LE(at);
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
