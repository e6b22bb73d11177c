/** Numbers of 16 bits (IEEE 754 binary16), in which some graphs take and give their tensors. */

import type { Tensor } from 'onnxruntime-node';
import type { Runtime } from './onnx-runtime.ts';

/** Of all bits that there are: some are looked up for each component of each token. */
let table: Float32Array | null = null;

function value(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** @param data as the runtime gives it: bits, or from Node 24 on numbers of an array of their own */
export function toFloats(data: ArrayLike<number>): Float32Array {
  if (!(data instanceof Uint16Array)) return Float32Array.from(data);
  const values = (table ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => value(bits)));
  const floats = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++) floats[at] = values[data[at]!]!;
  return floats;
}

/** The bits of 1. */
export const HALF_ONE = 0x3c00;

/** @param data bits */
export function halfTensor(runtime: Runtime, data: Uint16Array, dims: readonly number[]): Tensor {
  const tensor = new runtime.Tensor('float16', data, dims);
  // Where there is an array of such numbers, from Node 24 on, the library makes one of the bits, and its native part cannot read it (1.30).
  return Object.assign(tensor, { cpuData: data });
}
