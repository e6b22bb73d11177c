/** How many passages the table's texts will have, told from a sample of them: so many vectors are stored and indexed. */

import type { Pool } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import type { Target } from '../table/backfill-target.ts';
import { drawTexts } from '../table/sample-texts.ts';

export interface PassageForecast {
  /** Mean of the rows with text. */
  perRow: number;
  sampledRows: number;
}

const SAMPLED_ROWS = 600;
/** Cut at a time: long texts end it after the first few. */
const PAGE = 30;
/** Of one text; what is longer counts as this long. */
const MAX_CHARACTERS = 200_000;
const LONGEST_MS = 3000;

/** Null where a text has one vector, and where none could be read. Reads only. */
export async function forecastPassages(
  pool: Pool,
  target: Target,
  embedder: Embedder,
): Promise<PassageForecast | null> {
  if (!target.hasPassages || embedder.cutPassages === undefined) return null;
  const characters = Math.min(embedder.maxCharacters, MAX_CHARACTERS);
  const { texts } = await drawTexts(pool, target, { rows: SAMPLED_ROWS, characters });
  const started = performance.now();
  let [passages, cut, sampledRows] = [0, 0, 0];
  for (let at = 0; at < texts.length && performance.now() - started < LONGEST_MS; at += PAGE) {
    const page = texts.slice(at, at + PAGE).map(({ text }) => text);
    const found = await embedder.cutPassages(page);
    passages += found.texts.reduce((sum, text) => sum + text.passages.length, 0);
    cut += lengthOf(page);
    sampledRows += page.length;
  }
  if (sampledRows === 0) return null;
  // Of those that there was no time for the length is known.
  const all = lengthOf(texts.map(({ text }) => text));
  const mean = passages / sampledRows;
  const byLength = cut === 0 ? mean : ((passages / cut) * all) / texts.length;
  return { perRow: sampledRows === texts.length ? mean : byLength, sampledRows };
}

const lengthOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);

/** "3.2 passages a row by a sample of 600"; empty where each has one vector. */
export const passagesLine = (forecast: PassageForecast | null): string =>
  forecast === null
    ? ''
    : `${forecast.perRow.toFixed(1)} passages a row by a sample of ${forecast.sampledRows}`;
