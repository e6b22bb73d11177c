/** What keeps a backfill from standing beside those that the ledger has. */

import type { Queryable } from '../../db/pool.ts';
import type { Target } from '../../table/backfill-target.ts';
import { siblingsOf, type Sibling } from './siblings.ts';

/** For the rest of the transaction nobody else adds or changes a backfill. */
export async function holdBackfills(db: Queryable): Promise<void> {
  await db.query('LOCK TABLE pgvector_backfill.backfill IN SHARE ROW EXCLUSIVE MODE');
}

/** A sentence where the name is taken by a backfill of another table; else null. */
export async function nameClash(db: Queryable, target: Target): Promise<string | null> {
  const found = await db.query<{ table: string }>(
    'SELECT target_table AS table FROM pgvector_backfill.backfill WHERE name = $1 AND target_table <> $2',
    [target.backfill, target.table],
  );
  const [other] = found.rows;
  return other === undefined ? null : `Backfill ${target.backfill} already exists, for table ${other.table}.`;
}

/** Two backfills of one table that would undo each other's work, or set it off again and again. */
export interface ColumnClash {
  message: string;
  remedy: string;
  /** The option to change. */
  option: 'column' | 'updatedAtColumn' | 'text';
}

/**
 * Two may read the same columns; what one writes is its own. Each merge of the other would change the text, or the vector.
 * @param reads of the target; null where they cannot be told
 */
export async function columnClash(
  db: Queryable,
  target: Target,
  reads: readonly string[] | null,
): Promise<ColumnClash | null> {
  for (const sibling of await siblingsOf(db, target)) {
    const clash = clashWith(target, sibling, reads ?? []);
    if (clash !== null) return clash;
  }
  return null;
}

const WRITTEN = ['column', 'updatedAtColumn'] as const;

function clashWith(target: Target, other: Sibling, reads: readonly string[]): ColumnClash | null {
  const table = `${target.schema}.${target.name}`;
  for (const option of WRITTEN) {
    const name = target[option];
    if (other.writes.includes(name))
      return {
        message: `Column ${name} of ${table} is written by backfill ${other.backfill} already: each would overwrite what the other has put there.`,
        remedy: 'Give it a column of its own',
        option,
      };
    if (other.reads?.includes(name) === true)
      return {
        message: `Column ${name} of ${table} is read by key, text or condition of backfill ${other.backfill}: each vector that is written there would change what that one embeds.`,
        remedy: 'Give it a column of its own',
        option,
      };
  }
  const read = reads.find((name) => other.writes.includes(name));
  if (read === undefined) return null;
  return {
    message: `Column ${read} of ${table}, which key, text or condition reads, is written by backfill ${other.backfill}: each vector of that one would change what this one embeds.`,
    remedy: 'Name the columns that it is to read, without that one',
    option: 'text',
  };
}
