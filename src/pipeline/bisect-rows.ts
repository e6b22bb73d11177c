/** Rows that the database refuses, told from those beside them. */

import { isOfARow } from '../db/sqlstates.ts';
import { ConfigError, messageOf } from '../errors.ts';

/** Rows refused without a single one accepted after which it is not the rows: 50 is more than chance, and soon reached. */
export const REFUSED_IN_A_ROW = 50;

/**
 * Writes rows together; where a row of theirs is refused, halves them until it is found. Good rows go through, the row
 * itself goes to `refuse`. One for all statements of a batch.
 */
export class Bisection<Row> {
  readonly #write: (rows: readonly Row[]) => Promise<boolean>;
  readonly #refuse: (row: Row, error: unknown) => Promise<boolean>;
  readonly #everyRow: (error: unknown) => ConfigError | null | Promise<ConfigError | null>;
  #accepted = 0;
  #refused = 0;

  /**
   * Both answer false where the batch was taken over; then nothing more is written. `everyRow` is asked where the first
   * rows were refused, all of them: null where it is these rows after all.
   */
  constructor(
    write: (rows: readonly Row[]) => Promise<boolean>,
    refuse: (row: Row, error: unknown) => Promise<boolean>,
    everyRow: (error: unknown) => ConfigError | null | Promise<ConfigError | null> = refusesAll,
  ) {
    this.#write = write;
    this.#refuse = refuse;
    this.#everyRow = everyRow;
  }

  /** @throws ConfigError where every row is refused, `TABLE_REFUSES` by default; what is no fault of a row, as it comes */
  async write(rows: readonly Row[]): Promise<boolean> {
    const [only] = rows;
    if (only === undefined) return true;
    try {
      const held = await this.#write(rows);
      this.#accepted += rows.length;
      return held;
    } catch (error) {
      if (!isOfARow(error)) throw error;
      if (rows.length > 1) {
        const middle = Math.ceil(rows.length / 2);
        return (await this.write(rows.slice(0, middle))) && (await this.write(rows.slice(middle)));
      }
      this.#refused++;
      if (this.#accepted === 0 && this.#refused === REFUSED_IN_A_ROW) {
        const everyRow = await this.#everyRow(error);
        if (everyRow !== null) throw everyRow;
      }
      return this.#refuse(only, error);
    }
  }
}

const refusesAll = (error: unknown): ConfigError =>
  new ConfigError(
    `The table refuses every row's vector: ${REFUSED_IN_A_ROW} rows one after the other, the last one by ${messageOf(error)}.`,
    {
      code: 'TABLE_REFUSES',
      remedy: 'Look at the triggers and constraints of the table that an UPDATE of the vector column meets.',
      cause: error,
    },
  );
