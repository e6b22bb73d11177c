/** What writes to a store have in common, whichever kind it is. */

import type { Queryable } from '../../db/pool.ts';
import type { Target } from '../../table/backfill-target.ts';

/** A row whose vectors go, with the hash of the text that it had when it was read. */
export interface ClearedRow {
  key: string;
  hash: Buffer;
}

/** What a merge gives back of each row that it has written. */
export interface MergedRow {
  key: string;
  /** Of the text that the write left behind; null where nobody asked. */
  hash: Buffer | null;
}

export interface MergeOptions {
  fingerprint: string;
  /** Whether the keys of the rows are wanted, or what became of their texts as well. */
  returning: 'nothing' | 'keys' | 'hashes';
}

export interface StoreWrites {
  /**
   * Holds what nobody else holds of these rows, for the rest of the transaction: whoever never waits for a row while it holds
   * others can neither hold up the application nor be part of a deadlock with it. @param keys in order. @returns those that are held, in order
   */
  hold(
    db: Queryable,
    target: Target,
    keys: readonly string[],
    purpose: 'merge' | 'clear',
  ): Promise<readonly string[]>;
  /** Staged vectors of rows that are held, each only if the row's text is still that of the vector. @param keys in order */
  merge(
    db: Queryable,
    target: Target,
    keys: readonly string[],
    options: MergeOptions,
  ): Promise<readonly MergedRow[]>;
  /** Takes vectors, stored and staged, from rows that have no usable text (any more), if that is still so. */
  clear(db: Queryable, target: Target, rows: readonly ClearedRow[], fingerprint: string): Promise<void>;
  /**
   * Takes them from a row whose text cannot be read, unless it has been written since.
   * @param clears false: the stored one stays. @returns the row's version behind it
   */
  remove(
    db: Queryable,
    target: Target,
    row: { key: string; version: string },
    clears: boolean,
  ): Promise<string>;
}
