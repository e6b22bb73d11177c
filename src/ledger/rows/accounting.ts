/** eligible = embedded + skipped + quarantined + stale + missing, counted by SQL on the table itself. */

import { keyAliases, keyTextSql } from '../../table/key.ts';
import { sharedName } from '../changes/shared-changes.ts';
import type { Queryable } from '../../db/pool.ts';
import { NEEDS_WORK, rowStatesSql } from './row-state.ts';
import type { KeyRange } from '../../table/key-range.ts';
import type { Target } from '../../table/backfill-target.ts';

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
  /** Of the embedded: the vector was there before, and was taken over. */
  adopted: number;
  /** Of the embedded: their passages that have a vector; 0 where each row has one vector. */
  passages: number;
}

const COUNTS = `count(*)::float8 AS eligible,
            count(*) FILTER (WHERE state = 'embedded')::float8 AS embedded,
            count(*) FILTER (WHERE state = 'skipped')::float8 AS skipped,
            count(*) FILTER (WHERE state = 'quarantined')::float8 AS quarantined,
            count(*) FILTER (WHERE state = 'stale')::float8 AS stale,
            count(*) FILTER (WHERE state = 'missing')::float8 AS missing,
            count(*) FILTER (WHERE state = 'embedded' AND truncated)::float8 AS truncated,
            count(*) FILTER (WHERE state = 'embedded' AND adopted)::float8 AS adopted,
            coalesce(sum(passages) FILTER (WHERE state = 'embedded'), 0)::float8 AS passages`;

const WHOLE_TABLE: KeyRange = { lower: null, upper: null };

/** One pass over the range; reads and hashes every text in it. `countTable` goes over a table in pages. */
export async function accountFor(
  db: Queryable,
  target: Target,
  fingerprint: string,
  range: KeyRange = WHOLE_TABLE,
): Promise<Accounting> {
  const values: unknown[] = [];
  const states = rowStatesSql(target, fingerprint, range, values);
  const counted = await db.query<Accounting>(`SELECT ${COUNTS} FROM (${states}) rows`, values);
  return counted.rows[0] as Accounting;
}

export interface LiveAccounting extends Accounting {
  /** Of the stale and missing rows: captured, so that sync brings them in line. */
  captured: number;
}

/** With the captured changes of the range's rows as of the same moment: a trigger's note is committed with its row. */
export async function accountForGate(
  db: Queryable,
  target: Target,
  fingerprint: string,
  range: KeyRange,
): Promise<LiveAccounting> {
  const values: unknown[] = [];
  const states = rowStatesSql(target, fingerprint, range, values);
  const counted = await db.query<LiveAccounting>(
    `SELECT ${COUNTS}, count(*) FILTER (WHERE state IN ${NEEDS_WORK} AND noted IS NOT NULL)::float8 AS captured
       FROM (${states}) rows
       LEFT JOIN (SELECT DISTINCT c.key AS noted FROM pgvector_backfill.change c WHERE c.backfill IN ($${values.push(target.backfill)}, $${values.push(sharedName(target.backfill))})) changes
              ON changes.noted = ${keyTextSql(target, keyAliases(target, 'rows.'))}`,
    values,
  );
  return counted.rows[0] as LiveAccounting;
}

/** Share of the rows with text whose vector is of that text; 1 where no row has text. */
export function coverageOf(rows: { eligible: number; embedded: number; skipped: number }): number {
  const wanted = rows.eligible - rows.skipped;
  return wanted <= 0 ? 1 : rows.embedded / wanted;
}
