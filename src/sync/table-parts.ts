/** What the triggers of a table have to note: for this backfill, and for the others that it has. */

import { hasLedger, siblingsOf } from '../ledger/backfill/siblings.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import {
  capturedParts,
  earlierParts,
  type CapturePart,
  type CapturedPart,
} from '../ledger/changes/capture-parts.ts';
import type { Target } from '../table/backfill-target.ts';
import { isStyled } from '../table/key.ts';
import { CAPTURE_TRIGGERS, earlierCaptureFunction, partDefinition } from './capture-ddl.ts';
import { captureRepair, type CaptureRepair } from './capture-state.ts';
import { keyFirst } from './shared-part.ts';
import { expressionFacts, variesInWords } from './watched-columns.ts';

/** `varies`: what in text and condition changes without a write of the row, in words; no trigger sees that. */
export async function ownPart(pool: Pool, target: Target): Promise<{ part: CapturePart; varies: string }> {
  const { watched, varying } = await expressionFacts(pool, target);
  const key = target.key.map((column) => ({
    name: column.name,
    ...(column.form === undefined ? {} : { form: column.form }),
    isCanonical: column.isCanonical,
    isStyled: isStyled(column),
  }));
  const part = { backfill: target.backfill, key, watched: keyFirst(key, watched) };
  return { part, varies: variesInWords(varying) };
}

/** As it was noted, of this backfill and of the others; an earlier release has left what it watched in its triggers alone. */
export async function notedParts(
  db: Queryable,
  target: Target,
): Promise<{ own: CapturedPart | null; others: CapturedPart[] }> {
  if (!(await hasLedger(db))) return { own: null, others: [] };
  const names = [...(await siblingsOf(db, target)).map(({ backfill }) => backfill), target.backfill];
  const parts = await capturedParts(db, target.oid);
  for (const earlier of await earlierParts(db, names)) {
    const watched = await watchedByEarlier(db, target, earlier.backfill);
    if (watched.length > 0) parts.push({ ...earlier, watched: keyFirst(earlier.key, watched) });
  }
  const isOwn = ({ backfill }: CapturedPart): boolean => backfill === target.backfill;
  return { own: parts.find(isOwn) ?? null, others: parts.filter((each) => !isOwn(each)) };
}

/** The server keeps which columns a trigger depends on: none of them can go without it. Empty where it is not there. */
async function watchedByEarlier(db: Queryable, target: Target, backfill: string): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `SELECT DISTINCT a.attname::text AS name FROM pg_trigger t
       JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.tgrelid
       JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = d.refobjsubid
      WHERE t.tgrelid = $1::regclass AND t.tgname = $2 AND t.tgfoid = to_regprocedure($3) AND a.attnum > 0 ORDER BY 1`,
    [target.table, CAPTURE_TRIGGERS[1], earlierCaptureFunction(backfill)],
  );
  return found.rows.map(({ name }) => name);
}

export const inOrder = (parts: readonly CapturePart[]): CapturePart[] =>
  parts.toSorted((one, other) => (one.backfill < other.backfill ? -1 : 1));

/** Whether both note the same. */
export const sameParts = (one: CapturePart, other: CapturePart): boolean =>
  partDefinition(one) === partDefinition(other);

/** Whether triggers and function are those that the backfills of the table want, and armed. Changes nothing. */
export async function neededRepair(pool: Pool, target: Target): Promise<CaptureRepair> {
  const { part } = await ownPart(pool, target);
  const { others } = await notedParts(pool, target);
  return captureRepair(pool, target, inOrder([...others, part]));
}
