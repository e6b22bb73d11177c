/** Precisions of a model's graph, by the names that transformers.js and its hub have for them. */

export const DTYPES = ['fp32', 'fp16', 'q8', 'int8', 'uint8', 'q4', 'q4f16', 'bnb4'] as const;
export type Dtype = (typeof DTYPES)[number];

/** `auto`: the fastest that the model's folder has. */
export const ASKED_DTYPES = [...DTYPES, 'auto'] as const;
export type AskedDtype = (typeof ASKED_DTYPES)[number];
export const DEFAULT_ASKED_DTYPE: AskedDtype = 'auto';

/** Of 8 bits by whichever rule, in most folders the only one: what is fetched where nothing else is asked for. */
export const DEFAULT_DTYPE = 'q8' as const satisfies Dtype;

/** What `model.quantized` is short for. */
export const dtypeOfQuantized = (quantized: boolean): Dtype => (quantized ? DEFAULT_DTYPE : 'fp32');

/** Whether a folder may have answered the one by the other: where there is no model_int8.onnx, int8 is model_quantized.onnx. */
export const mayBeTaken = (asked: unknown, taken: unknown): boolean =>
  asked === taken || asked === 'auto' || (asked === 'int8' && taken === 'q8');
