/** The small interface behind which every model runs. */

/** Why a text has no usable vector. */
export const VECTOR_FAULT = {
  0: null,
  1: 'no word of the text is known to the model',
  2: 'the model gave a vector that is not finite',
  3: 'the model gave a zero vector',
} as const;
export type VectorFault = keyof typeof VECTOR_FAULT;

export interface Embeddings {
  /** texts × dimensions, row by row. */
  vectors: Float32Array;
  /** Tokens that the model read, per text. */
  tokens: Int32Array;
  /** 1 where the text had more tokens than the model reads. */
  truncated: Uint8Array;
  /** Keys of VECTOR_FAULT, per text; a faulty row's vector must not be used. */
  faults: Uint8Array;
}

export interface Embedder {
  readonly model: string;
  readonly dimensions: number;
  /** Hex digest of everything that shapes a vector: files, precision, pooling, normalisation, token limit. */
  readonly fingerprint: string;
  /** Longest text, in characters, of which more would not change the vector. */
  readonly maxCharacters: number;
  /** @throws BackfillError; one bad text never throws, it has its fault in the result. */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Embeddings>;
  close(): Promise<void>;
}
