/** The files that a model's graph has in each precision, in the layout of transformers.js, and which of them is taken. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_DTYPE, DTYPES, type AskedDtype, type Dtype } from '../../config/values/dtype.ts';
import { staticFiles } from './static-files.ts';

const SUFFIX: Readonly<Record<Dtype, string>> = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
};

/**
 * The fastest first, as `bench precisions` measures it: the processor multiplies bytes faster than floats; what is kept in 4 or 16
 * bits it has to turn into floats for every inference.
 */
const FASTEST: readonly Dtype[] = ['q8', 'int8', 'uint8', 'fp32', 'q4', 'q4f16', 'fp16', 'bnb4'];

/** Relative to the model's folder. */
export const graphFile = (dtype: Dtype): string => `onnx/model${SUFFIX[dtype]}.onnx`;

/** Whose graphs are in that folder. */
export const presentDtypes = (folder: string): Dtype[] =>
  DTYPES.filter((dtype) => existsSync(join(folder, graphFile(dtype))));

/** The one that is used of the model in that folder, and the one that is fetched where it has none. */
export function takenDtype(asked: AskedDtype, folder: string): Dtype {
  // A table has the one precision of its numbers, which are added up the same way by whoever does it.
  if (staticFiles(folder) !== null) return 'fp32';
  if (asked !== 'auto' && asked !== 'int8') return asked;
  const present = presentDtypes(folder);
  if (asked === 'auto') return FASTEST.find((dtype) => present.includes(dtype)) ?? DEFAULT_DTYPE;
  // Most conversions have one graph of 8 bits, under the older name.
  return present.includes('q8') && !present.includes('int8') ? 'q8' : asked;
}
