/** Which texts are looked up together: in the order in which they come, as nothing is padded and none of them takes long. */

/** Tokens that are looked up at one go: some milliseconds. */
const LOOK_UP_BUDGET = 16_384;

/**
 * Characters and texts of one message to a process: some milliseconds of work. With a quarter of them the messages were a
 * fifth of the processor's time.
 */
const MESSAGE_CHARACTERS = 128 * 1024;
const MESSAGE_TEXTS = 1024;

/** Indexes in slices of at most `budget` together and `most` members, or of one. */
function slices(sizes: ArrayLike<number>, budget: number, most: number): number[][] {
  const result: number[][] = [];
  let slice: number[] = [];
  let sum = 0;
  for (let index = 0; index < sizes.length; index++) {
    const size = sizes[index] ?? 0;
    if (slice.length > 0 && (slice.length === most || sum + size > budget)) {
      result.push(slice);
      slice = [];
      sum = 0;
    }
    slice.push(index);
    sum += size;
  }
  if (slice.length > 0) result.push(slice);
  return result;
}

/** Of texts by their tokens: as many as one that must hear a cancellation may take. */
export const lookUpBatches = (lengths: ArrayLike<number>): number[][] =>
  slices(lengths, LOOK_UP_BUDGET, Infinity);

/** Of texts, one message each. */
export const lookUpMessages = (texts: readonly string[]): number[][] =>
  slices(
    texts.map((text) => text.length),
    MESSAGE_CHARACTERS,
    MESSAGE_TEXTS,
  );
