/** Chooses the words that get a vector, and turns counted texts into weighted rows. */

import { documentFrequencies, type Corpus } from './corpus.ts';
import type { SparseRows } from './svd.ts';

/** A word of one document tells nothing about other words; a word of everywhere tells nothing about the document. */
const MIN_DOCUMENTS = 2;
const MAX_SHARE = 0.3;

/** Below this many documents the two rules above would leave next to nothing, so every word is taken. */
const FEW_DOCUMENTS = 20;

export interface Vocabulary {
  /** Most frequent first. */
  words: string[];
  /** Inverse document frequency per word, above 0. */
  idf: Float64Array;
  /** One row per document that holds a word of the vocabulary: (1 + log tf) × idf, scaled to length 1. */
  rows: SparseRows;
}

/**
 * Words in at least 2 and at most 30 % of the documents, the most frequent `maxVocabulary` of them. Where that would
 * leave more than half of the documents without a word (few documents, or the same text over and over), every word
 * is taken.
 */
export function buildVocabulary(corpus: Corpus, maxVocabulary: number): Vocabulary {
  const { documents, ids, idLimit } = corpus;
  const frequencies = documentFrequencies(documents, idLimit);
  const choose = (low: number, high: number): [word: string, id: number][] =>
    [...ids]
      .filter(([, id]) => frequencies[id]! >= low && frequencies[id]! <= high)
      // Ties by the word itself, so that the order of the texts does not matter.
      .sort(([a, idA], [b, idB]) => frequencies[idB]! - frequencies[idA]! || (a < b ? -1 : 1))
      .slice(0, maxVocabulary);

  let chosen = documents.length < FEW_DOCUMENTS ? [] : choose(MIN_DOCUMENTS, MAX_SHARE * documents.length);
  if (countCovered(documents, chosen, idLimit) < documents.length / 2) chosen = choose(1, documents.length);

  // Plus one document, so that a word of every document, taken where there is nothing else, keeps a weight.
  const idf = Float64Array.from(chosen, ([, id]) => Math.log((documents.length + 1) / frequencies[id]!));
  return { words: chosen.map(([word]) => word), idf, rows: weigh(documents, chosen, idf, idLimit) };
}

/** Candidate id → place in the vocabulary, or -1. */
function placesOf(chosen: readonly [string, number][], idLimit: number): Int32Array {
  const places = new Int32Array(idLimit).fill(-1);
  chosen.forEach(([, id], place) => {
    places[id] = place;
  });
  return places;
}

function countCovered(
  documents: readonly Uint32Array[],
  chosen: readonly [string, number][],
  idLimit: number,
): number {
  const places = placesOf(chosen, idLimit);
  return documents.filter((document) => document.some((id, at) => at % 2 === 0 && places[id]! >= 0)).length;
}

function weigh(
  documents: readonly Uint32Array[],
  chosen: readonly [string, number][],
  idf: Float64Array,
  idLimit: number,
): SparseRows {
  const places = placesOf(chosen, idLimit);
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
  return { offsets: offsets.subarray(0, rows + 1), columns, weights, width: chosen.length };
}
