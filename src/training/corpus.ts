/**
 * Reads texts once and keeps what training needs: how often each word stands in each text, and in how many texts.
 * Memory stays bounded whatever the source: texts are thinned to a sample, and rare words are forgotten.
 */

import { ConfigError } from '../errors.ts';
import { stemOf } from './stem.ts';
import { uniform } from '../random.ts';
import { MAX_WORD_CHARACTERS, splitWords } from './word-tokenizer.ts';

/** Candidate words held while reading; about 100 bytes each. Beyond it, the rarest are dropped. */
const MAX_CANDIDATES = 1_000_000;

/** Punctuation marks are tokens too, but what they tell about a text is its style. */
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

export interface Corpus {
  /** One entry per kept text with at least one word that has a letter or digit: family id, count, family id, count, … */
  documents: Uint32Array[];
  /** Candidate word → id of its family. Ids are not dense: a forgotten family's id is not given again. */
  ids: Map<string, number>;
  /** Candidate word → number of texts read that hold it. */
  documentsOf: ReadonlyMap<string, number>;
  /** All ids are below this. */
  idLimit: number;
  /** Texts read, kept or not, empty ones included. */
  read: number;
}

export interface CorpusOptions {
  seed: number;
  /** Texts kept at most; beyond it each text has the same chance to be in the sample. */
  maxDocuments: number;
  signal?: AbortSignal;
}

/**
 * @throws ConfigError `TRAINING_EMPTY` where no text holds a word
 */
export async function readCorpus(
  texts: AsyncIterable<string> | Iterable<string>,
  { seed, maxDocuments, signal }: CorpusOptions,
): Promise<Corpus> {
  const random = uniform(seed);
  const ids = new Map<string, number>();
  const families = new Map<string, number>();
  const documentsOf = new Map<string, number>();
  let nextId = 0;
  let read = 0;
  let kept: { draw: number; counts: Uint32Array }[] = [];
  // Each text draws a number and stays while the number is below the threshold: a uniform sample of a stream whose
  // length nobody knows. Halving the threshold halves the sample.
  let threshold = 1;

  for await (const text of texts) {
    signal?.throwIfAborted();
    read += 1;
    const draw = random();
    if (draw >= threshold) continue;
    const counts = new Map<number, number>();
    const words = splitWords(text);
    for (const word of new Set(words)) documentsOf.set(word, (documentsOf.get(word) ?? 0) + 1);
    for (const word of words) {
      if (word.length > MAX_WORD_CHARACTERS || !LETTER_OR_DIGIT.test(word)) continue;
      let id = ids.get(word);
      if (id === undefined) {
        const family = stemOf(word);
        id = families.get(family) ?? nextId++;
        families.set(family, id);
        ids.set(word, id);
      }
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    if (counts.size === 0) continue;
    kept.push({ draw, counts: Uint32Array.from([...counts].flat()) });
    while (kept.length > maxDocuments) {
      threshold /= 2;
      kept = kept.filter((document) => document.draw < threshold);
    }
    if (ids.size > MAX_CANDIDATES) {
      forgetRareWords([ids, families], kept, nextId);
      for (const word of documentsOf.keys()) if (!ids.has(word)) documentsOf.delete(word);
    }
  }
  if (kept.length === 0) {
    throw new ConfigError(`None of the ${read} texts to train on holds a word`, {
      code: 'TRAINING_EMPTY',
      remedy: 'Train on a table or file whose text column is filled.',
    });
  }
  return { documents: kept.map((document) => document.counts), ids, documentsOf, idLimit: nextId, read };
}

/** Number of documents that hold each family. */
export function documentFrequencies(documents: readonly Uint32Array[], idLimit: number): Uint32Array {
  const frequencies = new Uint32Array(idLimit);
  for (const document of documents) {
    for (let at = 0; at < document.length; at += 2) frequencies[document[at]!]! += 1;
  }
  return frequencies;
}

/** Raises the bar until half of the room is free again; a word forgotten too early costs quality, never memory. */
function forgetRareWords(
  maps: readonly Map<string, number>[],
  kept: readonly { counts: Uint32Array }[],
  idLimit: number,
): void {
  const frequencies = documentFrequencies(
    kept.map((document) => document.counts),
    idLimit,
  );
  for (let bar = 1; maps.some((map) => map.size > MAX_CANDIDATES / 2); bar++) {
    for (const map of maps) for (const [word, id] of map) if (frequencies[id]! <= bar) map.delete(word);
  }
}
