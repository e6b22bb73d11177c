/**
 * Trains a small embedding model on the operator's own texts: latent semantic analysis (Deerwester et al. 1990),
 * packed so that transformers.js runs it like any other model. Words that stand in the same texts get vectors that
 * point the same way; a text's vector is the mean of its words' vectors. No download, no GPU, seconds of work.
 * It knows nothing but these texts: for a general model see the README.
 */

import { ConfigError } from '../errors.ts';
import { readCorpus } from './corpus.ts';
import { uniform } from '../random.ts';
import type { OnProgress } from '../observability/progress.ts';
import { rightSingularVectors } from './svd.ts';
import { buildVocabulary, type Vocabulary } from './vocabulary.ts';
import type { Dense } from './linear.ts';
import { SPECIAL_TOKENS } from './word-tokenizer.ts';

export interface TrainOptions {
  onProgress?: OnProgress | undefined;
  /** Length of the vectors, 2 to 1,024; default 128. */
  dimensions?: number;
  /** Whole number; the same texts and seed give the same model; default 1. */
  seed?: number;
  /** Words that get a vector, the most frequent first; default 50,000. 4 × dimensions bytes each in the full model. */
  maxVocabulary?: number;
  /** Texts that a word has to stand in; default 1. */
  minDocuments?: number;
  /** Texts trained on; of more, a uniform sample between half of this and this; default 200,000. */
  maxDocuments?: number;
  /** Stops between two steps with the signal's reason. */
  signal?: AbortSignal;
}

/** What was trained, without times and places, so that equal training gives equal files. */
export interface TrainingFacts {
  /** Texts read. */
  documents: number;
  /** Texts trained on: not empty, in the sample, and with at least one word of the vocabulary. */
  trainedOn: number;
  /** Words with a vector. */
  vocabulary: number;
  dimensions: number;
  /** Dimensions that carry meaning. Fewer than `dimensions` on few texts; the rest are zeros, which change no cosine. */
  rank: number;
  seed: number;
}

export interface TrainedModel {
  facts: TrainingFacts;
  /** Word i has row `SPECIAL_TOKENS.length + i` of the table. */
  words: readonly string[];
  /** One row per token, the special ones first. */
  table: Dense;
}

export const DEFAULT_DIMENSIONS = 128;
export const DEFAULT_SEED = 1;
/**
 * Of verbs: a word of a single row may be a name, a number or a password, and would stay behind that row. On 370 articles
 * this costs a quarter of nDCG@10 (0.58 → 0.42), on many rows next to nothing.
 */
export const DEFAULT_MIN_DOCUMENTS = 2;
const DEFAULT_MAX_VOCABULARY = 50_000;
const DEFAULT_MAX_DOCUMENTS = 200_000;
/** The eigenvalue step takes the cube of it: 1,024 is about half a minute. */
const MAX_DIMENSIONS = 1024;

/**
 * Length of the special tokens' rows relative to a typical word's. Small enough that thousands of unknown words do
 * not turn a text with one known word, large enough that a text without any has a direction: the corpus's own.
 */
const SPECIAL_SCALE = 1e-5;

/**
 * @param texts read once, in order
 * @throws ConfigError `TRAINING_OPTION` for an option out of range, `TRAINING_EMPTY` where no text holds a word
 */
export async function trainModel(
  texts: AsyncIterable<string> | Iterable<string>,
  options: TrainOptions = {},
): Promise<TrainedModel> {
  const {
    dimensions = DEFAULT_DIMENSIONS,
    seed = DEFAULT_SEED,
    maxVocabulary = DEFAULT_MAX_VOCABULARY,
    maxDocuments = DEFAULT_MAX_DOCUMENTS,
    minDocuments = 1,
    signal,
  } = options;
  checkWhole('dimensions', dimensions, 2, MAX_DIMENSIONS);
  checkWhole('seed', seed, 0, 2 ** 32 - 1);
  checkWhole('maxVocabulary', maxVocabulary, 1, 1_000_000);
  checkWhole('maxDocuments', maxDocuments, 1, 10_000_000);
  checkWhole('minDocuments', minDocuments, 1, 10_000_000);

  const interrupt = signal === undefined ? {} : { signal };
  const { onProgress } = options;
  const corpus = await readCorpus(counted(texts, onProgress), { seed, maxDocuments, ...interrupt });
  onProgress?.({ what: 'choosing words', done: 0, total: null });
  const vocabulary = buildVocabulary(corpus, maxVocabulary, minDocuments);
  const { vectors } = await rightSingularVectors(vocabulary.rows, {
    rank: dimensions,
    random: uniform(seed),
    onProgress,
    ...interrupt,
  });
  return {
    facts: {
      documents: corpus.read,
      trainedOn: vocabulary.rows.offsets.length - 1,
      vocabulary: vocabulary.words.length,
      dimensions,
      rank: vectors.columns,
      seed,
    },
    words: vocabulary.words,
    table: tokenTable(vocabulary, vectors, dimensions),
  };
}

const READ_STEP = 1000;

async function* counted(
  texts: AsyncIterable<string> | Iterable<string>,
  onProgress: OnProgress | undefined,
): AsyncGenerator<string> {
  let done = 0;
  for await (const text of texts) {
    if (done++ % READ_STEP === 0) onProgress?.({ what: 'reading texts', done, total: null });
    yield text;
  }
}

/** Word rows are idf × V, so that a mean of rows is the text's own tf × idf row in the latent space. */
function tokenTable({ words, families, idf, rows }: Vocabulary, vectors: Dense, dimensions: number): Dense {
  const { columns: rank, data } = vectors;
  const special = SPECIAL_TOKENS.length;
  const table = new Float32Array((special + words.length) * dimensions);
  let lengths = 0;
  families.forEach((family, word) => {
    const row = data.subarray(family * rank, (family + 1) * rank).map((value) => value * idf[family]!);
    table.set(row, (special + word) * dimensions);
    lengths += Math.hypot(...row);
  });
  const centroid = new Float64Array(dimensions);
  for (let at = 0; at < rows.offsets.at(-1)!; at++) {
    const base = rows.columns[at]! * rank;
    for (let k = 0; k < rank; k++) centroid[k]! += rows.weights[at]! * data[base + k]!;
  }
  const scale = (SPECIAL_SCALE * lengths) / words.length / Math.hypot(...centroid);
  const row = Float32Array.from(centroid, (value) => value * scale);
  for (let token = 0; token < special; token++) table.set(row, token * dimensions);
  return { rows: special + words.length, columns: dimensions, data: table };
}

function checkWhole(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new ConfigError(`${name} must be a whole number from ${low} to ${high}, not ${value}`, {
    code: 'TRAINING_OPTION',
    remedy: `Give ${name} within its range.`,
  });
}
