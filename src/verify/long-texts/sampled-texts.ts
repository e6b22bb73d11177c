/** The rows that long texts are compared on: all that are judged, and others drawn from the table. */

import type { Pool } from '../../db/pool.ts';
import type { Judgements } from '../../relevance/query-file.ts';
import type { Target } from '../../table/backfill-target.ts';
import { readTexts, type TextRow } from '../../table/read-texts.ts';
import { drawTexts } from '../../table/sample-texts.ts';

/** Rows whose texts are held at a time. */
const PAGE_ROWS = 50;

export interface LongTextSample {
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
): Promise<LongTextSample> {
  const judged = new Set([...judgements.values()].flatMap((grades) => [...grades.keys()]));
  const wanted = Math.max(0, rows - judged.size);
  // As many again as are judged: those may be among what is drawn.
  const { texts } = await drawTexts(pool, target, { rows: Math.max(1, wanted + judged.size), characters: 1 });
  const drawn = texts.map(({ key }) => key).filter((key) => !judged.has(key));
  return { judged: [...judged], drawn: drawn.slice(0, wanted) };
}

/** @param characters of each text, or a few more */
export async function* textPages(
  pool: Pool,
  target: Target,
  keys: readonly string[],
  characters: number,
): AsyncGenerator<TextRow[]> {
  for (let at = 0; at < keys.length; at += PAGE_ROWS)
    yield await readTexts(pool, target, keys.slice(at, at + PAGE_ROWS), characters);
}
