/** Which texts go through the model together. */

/**
 * Padded tokens of one inference call on one thread. 384 and 512 were fastest, 1,024 3 % and 2,048 7 % slower, with more
 * memory (docs/embedding.md); batches in arrival order were three times slower than one text at a time, because nearly all
 * of it was padding.
 */
export const TOKEN_BUDGET = 512;

/** Of a model that is a table: some milliseconds. */
export const LOOK_UP_BUDGET = 16_384;

/** Indexes of `lengths` (tokens per text) in batches of similar length, at most `budget` padded tokens each, or one text. */
export function tokenBatches(lengths: ArrayLike<number>, budget = TOKEN_BUDGET): number[][] {
  const order = Array.from({ length: lengths.length }, (_, index) => index);
  order.sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
  const batches: number[][] = [];
  let batch: number[] = [];
  for (const index of order) {
    // Sorted upwards: the new text is the longest, so it decides the padded length of all.
    if (batch.length > 0 && (batch.length + 1) * (lengths[index] ?? 0) > budget) {
      batches.push(batch);
      batch = [];
    }
    batch.push(index);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/**
 * Characters and texts of one message to an inference process: small enough to share the work evenly (with four times as
 * many, processes waited for the last one for a tenth of a job of 500 texts), large enough for several inferences.
 */
const CHUNK_CHARACTERS = 16 * 1024;
/** Towards the end of a job they are smaller, so that no process waits long for the last one. */
const MIN_CHUNK_CHARACTERS = 4 * 1024;
/** A chunk is at most this part of what is left. */
const SHARE_OF_THE_REST = 8;
const CHUNK_TEXTS = 256;

/** Indexes of `texts` in chunks of similar length, longest first, so that the last chunks to finish are small ones. */
export function textChunks(texts: readonly string[]): number[][] {
  const order = texts
    .map((_, index) => index)
    .sort((a, b) => (texts[b]?.length ?? 0) - (texts[a]?.length ?? 0) || a - b);
  const chunks: number[][] = [];
  let chunk: number[] = [];
  let characters = 0;
  let rest = texts.reduce((sum, text) => sum + text.length, 0);
  const max = (): number =>
    Math.min(Math.max(rest / SHARE_OF_THE_REST, MIN_CHUNK_CHARACTERS), CHUNK_CHARACTERS);
  let limit = max();
  for (const index of order) {
    const length = texts[index]?.length ?? 0;
    if (chunk.length > 0 && (chunk.length >= CHUNK_TEXTS || characters + length > limit)) {
      chunks.push(chunk);
      chunk = [];
      rest -= characters;
      characters = 0;
      limit = max();
    }
    chunk.push(index);
    characters += length;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
