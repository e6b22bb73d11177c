/** Notices a model that gives all texts the same vector: a damaged file, a wrong precision, another kind of model. */

import { optionName } from '../config/option-name.ts';
import { dot, norm } from '../embedding/inference/pooling.ts';
import { ConfigError } from '../errors.ts';

/** Texts looked at before the model is believed. */
const TEXTS_WANTED = 24;
/** Texts that are looked at while too few different ones have been seen; a table of one template has none. */
const MAX_TEXTS = 5000;
/** Vectors of unlike texts that are all closer than this are one vector. Even random weights stay below. */
const SAME_COSINE = 0.999;
/** Two texts are unlike where they share less than this part of their words. */
const LIKE_SHARE = 0.5;

export class IdenticalVectorsCheck {
  readonly #samples: { words: Set<string>; unit: Float32Array }[] = [];
  #looked = 0;

  /** Vector of a text, in any order; cheap once enough texts were seen. @throws ConfigError where all are the same. */
  look(text: string, vector: Float32Array, model: string): void {
    if (this.#samples.length >= TEXTS_WANTED || this.#looked >= MAX_TEXTS) return;
    this.#looked++;
    const words = new Set(
      text
        .slice(0, 4000)
        .toLowerCase()
        .match(/\p{L}{3,}/gu),
    );
    if (words.size < 3 || this.#samples.some((sample) => areLike(sample.words, words))) return;
    const length = norm(vector);
    this.#samples.push({ words, unit: vector.map((component) => component / length) });
    if (this.#samples.length < TEXTS_WANTED) return;
    const first = this.#samples[0]?.unit ?? vector;
    if (this.#samples.some(({ unit }) => dot(first, unit) < SAME_COSINE)) return;
    throw new ConfigError(
      `Model ${model} gives ${TEXTS_WANTED} texts without common words nearly the same vector: a search could not tell them apart.`,
      {
        code: 'MODEL_COLLAPSED',
        remedy: `Check the model files (\`pgvector-backfill model check\`), ${optionName('model.dtype')} and ${optionName('model.pooling')}, and that the model is made for embeddings.`,
      },
    );
  }
}

function areLike(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  let common = 0;
  for (const word of a) if (b.has(word)) common++;
  return common > LIKE_SHARE * Math.min(a.size, b.size);
}
