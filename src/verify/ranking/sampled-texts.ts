/** The rows that models and modes are compared on: all that are judged, and others drawn from the table. */

import type { Pool } from '../../db/pool.ts';
import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import type { Judgements } from '../../relevance/query-file.ts';
import type { Target } from '../../table/backfill-target.ts';
import { canonicalKeys } from '../../table/canonical-keys.ts';
import { readTexts, type TextRow } from '../../table/read-texts.ts';
import { drawTexts } from '../../table/sample-texts.ts';

export interface RowSample {
  judged: readonly string[];
  /** Besides the judged ones. */
  drawn: readonly string[];
}

/** @param rows in all, at least those that are judged. @param judgements with keys as the table's are written */
export async function drawSample(
  pool: Pool,
  target: Target,
  judgements: Judgements,
  rows: number,
): Promise<RowSample> {
  const given = [...judgements.values()].flatMap((grades) => [...grades.keys()]);
  // What is no key of such a table would have the server refuse all that it is asked with.
  const known = await inReadOnly(pool, TABLE_LIMITS, (client) => canonicalKeys(client, target, given));
  const judged = new Set(known.values());
  const wanted = Math.max(0, rows - judged.size);
  // As many again as are judged: those may be among what is drawn.
  const { texts } = await drawTexts(pool, target, { rows: Math.max(1, wanted + judged.size), characters: 1 });
  const drawn = texts.map(({ key }) => key).filter((key) => !judged.has(key));
  return { judged: [...judged], drawn: drawn.slice(0, wanted) };
}

export interface PageOptions {
  /** Of each text, or a few more. */
  characters: number;
  /** Whose texts are held at a time. */
  pageRows: number;
}

export async function* textPages(
  pool: Pool,
  target: Target,
  keys: readonly string[],
  { characters, pageRows }: PageOptions,
): AsyncGenerator<TextRow[]> {
  for (let at = 0; at < keys.length; at += pageRows)
    yield await readTexts(pool, target, keys.slice(at, at + pageRows), characters);
}
