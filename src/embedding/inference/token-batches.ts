/** Which texts go through the model together. */

/**
 * Padded tokens of one inference call on one thread. 384 and 512 were fastest, 1,024 3 % and 2,048 7 % slower, with more
 * memory (docs/embedding.md); batches in arrival order were three times slower than one text at a time, because nearly all
 * of it was padding.
 */
export const TOKEN_BUDGET = 512;

/**
 * What an inference call costs whatever is in it, in tokens: between 11 (int8) and 20 (full precision) of all-MiniLM-L6-v2 on
 * one thread.
 */
export const CALL_TOKENS = 16;

/**
 * Indexes of `lengths` (tokens per text) in batches of at most `budget` padded tokens each, or one text: of all ways to cut
 * the texts in order of their lengths the one that computes least, padding and calls together.
 */
export function tokenBatches(lengths: ArrayLike<number>, budget = TOKEN_BUDGET): number[][] {
  const order = Array.from({ length: lengths.length }, (_, index) => index);
  order.sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
  /** Of the first n texts, at best; and where the last batch of them begins. */
  const cost = new Float64Array(order.length + 1);
  const starts = new Uint32Array(order.length + 1);
  for (let end = 1; end <= order.length; end++) {
    // The longest of its batch, so it decides the padded length of all.
    const longest = lengths[order[end - 1] ?? 0] ?? 0;
    cost[end] = Infinity;
    for (let start = end - 1; start >= 0; start--) {
      const padded = (end - start) * longest;
      if (start < end - 1 && padded > budget) break;
      const whole = (cost[start] ?? 0) + padded + CALL_TOKENS;
      if (whole >= (cost[end] ?? 0)) continue;
      cost[end] = whole;
      starts[end] = start;
    }
  }
  const batches: number[][] = [];
  for (let end = order.length; end > 0; end = starts[end] ?? 0)
    batches.push(order.slice(starts[end] ?? 0, end));
  return batches.toReversed();
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
