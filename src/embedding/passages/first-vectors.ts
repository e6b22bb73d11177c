import type { Embedder } from '../embedder.ts';
import type { LongText } from '../embedding-options.ts';

/**
 * The vector that a row has of its text, or of the first of its passages that has one: zeros where none has.
 * @returns texts × dimensions, as `Embeddings`
 */
export async function firstVectors(
  embedder: Embedder,
  texts: readonly string[],
  longText: LongText,
): Promise<Float32Array> {
  if (longText !== 'chunks' || embedder.cutPassages === undefined)
    return (await embedder.embed(texts)).vectors;
  const { dimensions } = embedder;
  const result = new Float32Array(texts.length * dimensions);
  const cut = await embedder.cutPassages(texts);
  let open = texts.map((_, at) => at);
  for (let number = 0; open.length > 0; number++) {
    open = open.filter((at) => (cut.texts[at]?.passages.length ?? 0) > number);
    const passages = open.map((at) => cut.texts[at]?.passages[number]?.text ?? '');
    const { vectors, faults } = await embedder.embed(passages, { as: 'passage' });
    for (const [place, at] of open.entries())
      if (faults[place] === 0)
        result.set(vectors.subarray(place * dimensions, (place + 1) * dimensions), at * dimensions);
    open = open.filter((_, place) => faults[place] !== 0);
  }
  return result;
}
