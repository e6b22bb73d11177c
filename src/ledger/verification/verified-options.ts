/** Whether the last verification has asked as searches ask now: options of searches alone take effect without another run. */

import type { Queryable } from '../../db/pool.ts';
import type { Run } from '../run/run.ts';
import { askedDifference, type Scope } from '../run/scope.ts';

/** In words; null where it has, where none has passed, and of one of an older release, which did not note how it asked. */
export async function verifiedWithOtherOptions(
  db: Queryable,
  { id, backfill, scope }: Pick<Run, 'id' | 'backfill' | 'scope'>,
): Promise<string | null> {
  const found = await db.query<{ passed: boolean; asked: Scope | null }>(
    `SELECT passed, result -> 'asked' AS asked FROM pgvector_backfill.verification
      WHERE backfill = $1 AND run = $2 ORDER BY verification.id DESC LIMIT 1`,
    [backfill, id],
  );
  const last = found.rows[0];
  const difference = last?.passed === true ? askedDifference(last.asked ?? {}, scope) : null;
  return difference === null
    ? null
    : `the last verification was of searches with other options than they have now: ${difference}`;
}

export const VERIFY_AGAIN = 'Run `pgvector-backfill verify`: it proves what searches ask now.';
