/** Tokens of pieces, each looked for in the vocabulary once: most pieces of a text are ones that came before. */

/** Longer ones are rare, and not worth their memory. */
const LONGEST_KEPT = 40;
/** Bounds the memory: with this many, some 20 MB. */
const MAX_PIECES = 100_000;

export class PieceCache {
  readonly #encode: (piece: string) => number[];
  readonly #pieces = new Map<string, readonly number[]>();

  /** `encode`: tokens of a piece, which are the same each time. */
  constructor(encode: (piece: string) => number[]) {
    this.#encode = encode;
  }

  tokens(piece: string): readonly number[] {
    const known = this.#pieces.get(piece);
    if (known !== undefined) return known;
    const own = this.#encode(piece);
    if (piece.length <= LONGEST_KEPT) {
      // Frequent pieces are back at once; to know which they are would cost more at every piece.
      if (this.#pieces.size >= MAX_PIECES) this.#pieces.clear();
      this.#pieces.set(piece, own);
    }
    return own;
  }
}
