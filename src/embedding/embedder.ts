/** The small interface behind which every model runs. */

import type { Settings } from '../config/settings.ts';
import type { Dtype } from '../config/values/dtype.ts';

/** Why a text has no usable vector. */
export const VECTOR_FAULT = {
  0: null,
  1: 'no word of the text is known to the model',
  2: 'the model gave a vector that is not finite',
  3: 'the model gave a zero vector',
  4: 'the text is longer than the model reads, and model.longText is fail',
  5: 'the text is longer than the model reads, and model.longText is skip',
  6: 'the model refused the text',
  7: 'a rule of mask.rules took too long on the text',
  8: 'inference processes died of the text, one after the other',
  9: 'the vector has a component that halfvec cannot hold',
} as const;
export type VectorFault = keyof typeof VECTOR_FAULT;
/** The one fault that the operator asked for: the row counts as skipped, not as quarantined. */
export const SKIPPED_AS_LONG = 5 satisfies VectorFault;

export interface Embeddings {
  /** texts × dimensions, row by row. */
  vectors: Float32Array;
  /** Tokens that the model read, per text; 0 where it did not say. */
  tokens: Int32Array;
  /** 1 where the text had more tokens than were read. */
  truncated: Uint8Array;
  /** Keys of VECTOR_FAULT, per text; a faulty row's vector must not be used. */
  faults: Uint8Array;
  /** Values masked in all of the texts together, by type; never the values. */
  masked: Record<string, number>;
}

/** A piece of a long text that has a vector of its own. */
export interface Passage {
  /** As it is embedded: masked. */
  text: string;
  /** Its place in the text as it was, in characters as PostgreSQL counts them; `end` is behind the last one. */
  start: number;
  end: number;
}

/** What `model.longText: chunks` makes of a text. */
export interface CutText {
  /** In their order; one of a text that fits, none of one with a fault. */
  passages: Passage[];
  /** There was more text than `model.maxChunks` passages have. */
  truncated: boolean;
  fault: VectorFault;
}

export interface CutTexts {
  texts: CutText[];
  /** As of Embeddings. */
  masked: Record<string, number>;
}

/** Of so many texts, before anything is known of them. `dimensions` 0: of tokens alone, or of vectors that come later. */
export const emptyEmbeddings = (texts: number, dimensions = 0): Embeddings => ({
  vectors: new Float32Array(texts * dimensions),
  tokens: new Int32Array(texts),
  truncated: new Uint8Array(texts),
  faults: new Uint8Array(texts),
  masked: {},
});

export interface EmbedOptions {
  signal?: AbortSignal | undefined;
  as?: TextKind;
}

/** Rows are documents. It decides which prefix is put in front; a passage is as a document is, masked already, and never cut again. */
export type TextKind = 'document' | 'query' | 'passage';

/** What the numbers are computed with; it decides how closely two computations of one text agree. */
export type Precision = Dtype | 'remote';

export interface Embedder {
  readonly model: string;
  readonly dimensions: number;
  /** Hex digest of everything that shapes a row's vector: files, precision, pooling, limits, prefix, masking policy. */
  readonly fingerprint: string;
  readonly precision: Precision;
  /** Longest text, in characters, of which more would not change the vector. */
  readonly maxCharacters: number;
  /** @throws BackfillError; one bad text never throws, it has its fault in the result. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings>;
  close(): Promise<void>;
  /** Tokens of one inference, where they are known. */
  readonly maxTokens?: number;
  /** Tokens of each text, whole, as a document. */
  countTokens?(texts: readonly string[]): Promise<Int32Array>;
  /** Masks texts and cuts them into passages, to be embedded as such. Absent of an embedder that cannot. */
  cutPassages?(texts: readonly string[], options?: Pick<EmbedOptions, 'signal'>): Promise<CutTexts>;
}

/**
 * Opens the embedder that the configuration asks for. `processes`: inference processes of local files, as configured where
 * absent. `notice`: told where files are fetched.
 */
export type OpenEmbedder = (
  settings: Settings,
  processes?: number,
  notice?: (line: string) => void,
) => Promise<Embedder>;

/** For someone who closes what they are given, of an embedder that others go on with. */
export const borrowed = (embedder: Embedder): Embedder => ({ ...embedder, close: () => Promise.resolve() });

/** Adds counts by type to `sum`. A masking rule may be called `constructor`: only what was put there is a count. */
export function addCounts(sum: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [type, found] of Object.entries(counts))
    sum[type] = (Object.hasOwn(sum, type) ? (sum[type] ?? 0) : 0) + found;
}
