/** eligible = embedded + skipped + quarantined + stale + missing, counted by SQL on the table itself. */

import type { Queryable } from '../db/pool.ts';
import { rowStatesSql, type KeyRange } from '../table/row-state.ts';
import type { Target } from '../table/target.ts';

export interface Accounting {
  eligible: number;
  embedded: number;
  skipped: number;
  quarantined: number;
  /** Has a vector, but not of the present text. */
  stale: number;
  /** Has text and no vector. */
  missing: number;
  /** Of the embedded: only the beginning of the text was read. */
  truncated: number;
}

export const WHOLE_TABLE: KeyRange = { lower: null, upper: null };

/** One pass over the range; reads and hashes every text in it. */
export async function accountFor(
  db: Queryable,
  target: Target,
  fingerprint: string,
  range: KeyRange = WHOLE_TABLE,
): Promise<Accounting> {
  const values: unknown[] = [];
  const states = rowStatesSql(target, fingerprint, range, values);
  const counted = await db.query<Accounting>(
    `SELECT count(*)::float8 AS eligible,
            count(*) FILTER (WHERE state = 'embedded')::float8 AS embedded,
            count(*) FILTER (WHERE state = 'skipped')::float8 AS skipped,
            count(*) FILTER (WHERE state = 'quarantined')::float8 AS quarantined,
            count(*) FILTER (WHERE state = 'stale')::float8 AS stale,
            count(*) FILTER (WHERE state = 'missing')::float8 AS missing,
            count(*) FILTER (WHERE state = 'embedded' AND truncated)::float8 AS truncated
       FROM (${states}) rows`,
    values,
  );
  return counted.rows[0] as Accounting;
}

/** Share of the rows with text whose vector is of that text; 1 where no row has text. */
export function coverageOf(rows: { eligible: number; embedded: number; skipped: number }): number {
  const wanted = rows.eligible - rows.skipped;
  return wanted <= 0 ? 1 : rows.embedded / wanted;
}
