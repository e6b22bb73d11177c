/**
 * What was written to rows, to be held against what is there afterwards. A statement that raises nothing need not have
 * done anything: a BEFORE trigger may return NULL or put another vector in, a rule may do something else instead.
 */

import { ConfigError } from '../errors.ts';
import type { QuarantinedRow } from '../ledger/rows/quarantine.ts';

interface Written {
  /** Of the text that the vector is of. */
  hash: Buffer;
  /** How often for this very text. */
  times: number;
  /** Of the text that the update left behind, where that was another one, and in how many updates. */
  altered: { hash: Buffer; times: number } | null;
}

export interface OpenRow {
  key: string;
  /** Of its present text. */
  hash: Buffer;
}

/**
 * One write may meet somebody else's: a drain and a batch at one row, of whose vectors that of the later one is staged. The
 * next pass writes what is staged; a row that is not right then never will be.
 */
const ENOUGH = 2;
/** Rows that took no write, with none that did, after which it is not the rows. */
const LOST_IN_A_ROW = 50;

export class WrittenRows {
  readonly #rows = new Map<string, Written>();

  /** An update of the row was made, under its lock. `left`: hash of the text behind it; null where nobody looked. */
  note(key: string, hash: Buffer, left: Buffer | null): void {
    const before = this.#rows.get(key);
    const times = before?.hash.equals(hash) === true ? before.times + 1 : 1;
    const altered =
      left === null || left.equals(hash) ? null : { hash: left, times: (before?.altered?.times ?? 0) + 1 };
    this.#rows.set(key, { hash, times, altered });
  }

  /** Whether any row was written, so that one which is not right needs a look. */
  has(key: string): boolean {
    return this.#rows.has(key);
  }

  /**
   * Those of the rows still to do that took our write without effect, to be quarantined.
   * @param triggers that may be why
   */
  lost(open: readonly OpenRow[], triggers: readonly string[]): QuarantinedRow[] {
    const by =
      triggers.length === 0 ? 'a trigger or rule of the table' : `one of the triggers ${triggers.join(', ')}`;
    const lost = open.flatMap(({ key, hash }): QuarantinedRow[] => {
      const written = this.#rows.get(key);
      if (written === undefined) return [];
      const reason =
        written.times >= ENOUGH && written.hash.equals(hash)
          ? `the update of the row's vector has no effect: ${by} takes it away or puts another one in`
          : (written.altered?.times ?? 0) >= ENOUGH && written.altered?.hash.equals(hash) === true
            ? `the row's text changes whenever its vector is written, by ${by}`
            : null;
      return reason === null ? [] : [{ key, class: 'refused', reason, textHash: hash }];
    });
    return lost;
  }

  /** @throws ConfigError `TABLE_REFUSES` where so many rows took no write and none did that it is not the rows */
  stopIfNone(lost: readonly QuarantinedRow[]): void {
    if (lost.length < LOST_IN_A_ROW || lost.length < this.#rows.size) return;
    throw new ConfigError(
      `The table takes no vector: none of ${lost.length} rows that were written has it. ${lost[0]?.reason}.`,
      {
        code: 'TABLE_REFUSES',
        remedy: 'Look at the triggers and rules of the table that an UPDATE of the vector column meets.',
      },
    );
  }
}
