/** Tensors of 16 bits (IEEE 754 binary16), which some graphs take and give. */

import type { Tensor } from 'onnxruntime-node';
import { ofFloat16 } from '../model-files/short-floats.ts';
import type { Runtime } from './onnx-runtime.ts';

/** @param data as the runtime gives it: bits, or from Node 24 on numbers of an array of their own */
export const toFloats = (data: ArrayLike<number>): Float32Array =>
  data instanceof Uint16Array ? ofFloat16(data) : Float32Array.from(data);

/** The bits of 1. */
export const HALF_ONE = 0x3c00;

/** @param data bits */
export function halfTensor(runtime: Runtime, data: Uint16Array, dims: readonly number[]): Tensor {
  const tensor = new runtime.Tensor('float16', data, dims);
  // Where there is an array of such numbers, from Node 24 on, the library makes one of the bits, and its native part cannot read it (1.30).
  return Object.assign(tensor, { cpuData: data });
}
