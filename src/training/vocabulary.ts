/** Chooses the words that get a vector, and turns counted texts into weighted rows. */

import { ConfigError } from '../errors.ts';
import { documentFrequencies, type Corpus } from './corpus.ts';
import type { SparseRows } from './svd.ts';

/**
 * Words of more documents than this are grammar. The idf keeps frequent words in check; cutting lower, at 20 to 50 %,
 * measured no better, and a table's main subject (`flow` in half of 1,400 texts on aircraft) could not be searched.
 */
const MAX_SHARE = 0.7;

/** Below this many documents even that rule would leave next to nothing, so every word is taken. */
const FEW_DOCUMENTS = 20;

/**
 * A word of a single document teaches nothing about other words, but finds that document again. Where there are
 * many documents, the names are outnumbered by typing errors and numbers, and the table would double.
 */
const MANY_DOCUMENTS = 5_000;

export interface Vocabulary {
  /** Forms of more frequent families first. */
  words: string[];
  /** Family of each word: its column in `rows`, its place in `idf`. */
  families: Uint32Array;
  /** Inverse document frequency per family, above 0. */
  idf: Float64Array;
  /** One row per document that holds a word of the vocabulary: (1 + log tf) × idf, scaled to length 1. */
  rows: SparseRows;
}

/**
 * Words of families that stand in at most 70 % of the documents, and of 5,000 documents on in at least 2; the most
 * frequent `maxVocabulary` words. Where that would leave more than half of the documents without a word (few
 * documents, or the same text over and over), every word is taken. Never a word of fewer than `minDocuments` texts: the
 * words are written to tokenizer.json, and one of a single text may be a name, a number, a password.
 */
export function buildVocabulary(corpus: Corpus, maxVocabulary: number, minDocuments = 1): Vocabulary {
  const { documents, documentsOf, ids, idLimit } = corpus;
  const frequencies = documentFrequencies(documents, idLimit);
  const choose = (low: number, high: number): [word: string, id: number][] =>
    [...ids]
      .filter(([word, id]) => {
        // By the word itself and not by its family: a rare name may end like a form of a common word.
        const isShared = (documentsOf.get(word) ?? 0) >= minDocuments;
        return isShared && frequencies[id]! >= low && frequencies[id]! <= high;
      })
      // Ties by the word itself, so that the order of the texts does not matter.
      .sort(([a, idA], [b, idB]) => frequencies[idB]! - frequencies[idA]! || (a < b ? -1 : 1))
      .slice(0, maxVocabulary);

  const low = documents.length < MANY_DOCUMENTS ? 1 : 2;
  let chosen = documents.length < FEW_DOCUMENTS ? [] : choose(low, MAX_SHARE * documents.length);
  let places = placesOf(chosen, idLimit);
  if (countCovered(documents, places) < documents.length / 2) {
    chosen = choose(1, documents.length);
    places = placesOf(chosen, idLimit);
  }
  if (chosen.length === 0)
    throw new ConfigError(`No word stands in ${minDocuments} of the ${documents.length} texts to train on.`, {
      code: 'TRAINING_EMPTY',
      remedy:
        'Train on more texts. Where anybody may read these, `--min-documents 1` takes the words of single texts too.',
    });

  const idf = new Float64Array(places.reduce((max, place) => Math.max(max, place), -1) + 1);
  places.forEach((place, id) => {
    // Plus one document, so that a word of every document, taken where there is nothing else, keeps a weight.
    if (place >= 0) idf[place] = Math.log((documents.length + 1) / frequencies[id]!);
  });
  return {
    words: chosen.map(([word]) => word),
    families: Uint32Array.from(chosen, ([, id]) => places[id]!),
    idf,
    rows: weigh(documents, places, idf),
  };
}

/** Family id → its number among the chosen ones, in order of appearance, or -1. */
function placesOf(chosen: readonly [string, number][], idLimit: number): Int32Array {
  const places = new Int32Array(idLimit).fill(-1);
  let next = 0;
  for (const [, id] of chosen) if (places[id]! < 0) places[id] = next++;
  return places;
}

function countCovered(documents: readonly Uint32Array[], places: Int32Array): number {
  return documents.filter((document) => document.some((id, at) => at % 2 === 0 && places[id]! >= 0)).length;
}

function weigh(documents: readonly Uint32Array[], places: Int32Array, idf: Float64Array): SparseRows {
  const entries = documents.reduce((total, document) => total + document.length / 2, 0);
  const offsets = new Uint32Array(documents.length + 1);
  const columns = new Uint32Array(entries);
  const weights = new Float32Array(entries);
  let rows = 0;
  let end = 0;
  for (const document of documents) {
    const start = end;
    let squares = 0;
    for (let at = 0; at < document.length; at += 2) {
      const place = places[document[at]!]!;
      if (place < 0) continue;
      const weight = (1 + Math.log(document[at + 1]!)) * idf[place]!;
      columns[end] = place;
      weights[end++] = weight;
      squares += weight * weight;
    }
    if (end === start) continue;
    const scale = 1 / Math.sqrt(squares);
    for (let at = start; at < end; at++) weights[at]! *= scale;
    offsets[++rows] = end;
  }
  return { offsets: offsets.subarray(0, rows + 1), columns, weights, width: idf.length };
}
