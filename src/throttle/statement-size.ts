/** How many rows a merge statement takes, so that it lasts about as long as wanted. */

/** Below it the round trips cost more than the rows. */
const MIN_ROWS = 50;
/** Of the first statement: nothing is known of the table yet. */
const FIRST_ROWS = 100;
/** Growth within the first statements of a page of a batch, on their own evidence. */
const RAMP = 2;
/** Growth of one step at most: a table may be slower a few rows further on. */
const GROWTH = 1.2;
/** Weight of the newest statement in the average. */
const WEIGHT = 0.3;

export class StatementSize {
  readonly #targetMs: number;
  #rows = FIRST_ROWS;
  #msPerRow: number | null = null;

  constructor(targetMs: number) {
    this.#targetMs = targetMs;
  }

  /** For the next statement: at most `most`, and no less than 50 where that allows it. */
  rows(max: number): number {
    return Math.max(1, Math.min(this.#rows, max));
  }

  /** What a statement of `rows` took. Too long shrinks the next one at once; short ones let it grow by little. */
  observe(rows: number, ms: number): void {
    if (rows <= 0) return;
    const isFull = rows >= this.#rows;
    const weight = WEIGHT * Math.min(1, rows / this.#rows);
    const latest = ms / rows;
    this.#msPerRow = this.#msPerRow === null ? latest : this.#msPerRow + weight * (latest - this.#msPerRow);
    const average = Math.max(this.#msPerRow, Number.EPSILON);
    if (ms > this.#targetMs) this.#set(Math.min(this.#rows, (rows * this.#targetMs) / ms));
    // A short one, such as the rest of a page, says little of a long one.
    else if (isFull) this.#set(Math.min(this.#rows * GROWTH, this.#targetMs / average));
  }

  /** The server ended a statement at its limit: nobody knows how long it would have taken. */
  timedOut(): void {
    this.#set(this.#rows / 2);
  }

  #set(rows: number): void {
    this.#rows = Math.max(MIN_ROWS, Math.floor(rows));
  }
}

/**
 * Of the statements behind one another, beginning small again: what a row took a while ago, among pages that were cached and on
 * a server that had less to do, says little of the first ones behind the model's work. So much a statement may take at most,
 * whatever the size has grown to.
 */
export class StatementRamp {
  readonly #targetMs: number;
  #rows = FIRST_ROWS;

  constructor(targetMs: number) {
    this.#targetMs = targetMs;
  }

  /** For the next statement, of `most` that the size allows. */
  rows(max: number): number {
    return Math.max(1, Math.min(this.#rows, max));
  }

  /** Twice as many at most, and only as many as would have taken as long as wanted. */
  observe(rows: number, ms: number): void {
    if (rows <= 0) return;
    const inTime = (rows * this.#targetMs) / Math.max(ms, Number.EPSILON);
    this.#rows = Math.max(MIN_ROWS, Math.floor(Math.min(inTime, Math.max(this.#rows, RAMP * rows))));
  }
}
