/** What of which text goes into which request: batches of similar length, cuts, pieces. */

export interface Piece {
  /** Index of the text that it is of. */
  row: number;
  /** Where it begins in that text: its place among the text's other pieces. */
  from: number;
  body: string;
  /** How often it was shortened or divided because the server said that it is too long. */
  tries: number;
  truncated: boolean;
}

/** A request of more is likely to meet a proxy's or server's limit on the body (413), and a time-out loses all of it. */
const REQUEST_CHARACTERS = 256 * 1024;

/** Shortest first, so that texts of similar length are padded together; at most `maxTexts` and REQUEST_CHARACTERS, or one text. */
export function requestBatches(pieces: readonly Piece[], maxTexts: number): Piece[][] {
  const sorted = pieces.toSorted((a, b) => a.body.length - b.body.length || a.row - b.row || a.from - b.from);
  const batches: Piece[][] = [];
  let batch: Piece[] = [];
  let characters = 0;
  for (const piece of sorted) {
    const full = batch.length >= maxTexts || characters + piece.body.length > REQUEST_CHARACTERS;
    if (batch.length > 0 && full) {
      batches.push(batch);
      batch = [];
      characters = 0;
    }
    batch.push(piece);
    characters += piece.body.length;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** The first `most` characters, less one where that would leave half of a character behind. */
export function cut(text: string, max: number): string {
  const last = text.charCodeAt(max - 1);
  const splits = text.length > max && last >= 0xd8_00 && last <= 0xdb_ff;
  return text.slice(0, splits ? max - 1 : max);
}

/**
 * Pieces of at most `most` characters, at white space where there is some in the last fifth; none of them blank.
 * Together they are the text.
 */
export function split(piece: Piece, max: number): Piece[] {
  const { body } = piece;
  const pieces: Piece[] = [];
  for (let at = 0; at < body.length;) {
    let part = cut(body.slice(at, at + max + 1), max);
    if (at + part.length < body.length) {
      const blank = Math.max(part.lastIndexOf(' '), part.lastIndexOf('\n'));
      if (blank + 1 > max * 0.8) part = part.slice(0, blank + 1);
    }
    // A single character of two halves, where one is all that is allowed.
    if (part === '') part = body.slice(at, at + 2);
    if (part.trim() !== '') pieces.push({ ...piece, from: piece.from + at, body: part });
    at += part.length;
  }
  return pieces;
}

/** Whole numbers in proportion to the lengths that add up to `total`: a server counts tokens per request. */
export function spread(total: number, lengths: readonly number[]): number[] {
  const all = lengths.reduce((sum, length) => sum + length, 0);
  let before = 0;
  let sofar = 0;
  return lengths.map((length) => {
    sofar += length;
    const until = all === 0 ? 0 : Math.round((total * sofar) / all);
    const share = until - before;
    before = until;
    return share;
  });
}
