/** How long embedding will take, told from a few of the table's own texts. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { count, duration } from '../observability/format.ts';
import type { Target } from '../table/backfill-target.ts';
import { drawTexts } from '../table/sample-texts.ts';

export interface EmbeddingForecast {
  /** Of one inference process on this machine, or of one request after the other. */
  rowsPerSecond: number;
  /** Of one such worker, for all rows of the plan. */
  seconds: number;
  sampledRows: number;
}

const SAMPLED_ROWS = 200;
/** Embedded at a time: a slow model ends it after the first few. */
const PAGE = 16;
const MAX_CHARACTERS = 100_000;
const LONGEST_MS = 3000;

/** Reads only. Null where no text could be read or embedded, which the checks tell. */
export async function forecastEmbedding(
  pool: Pool,
  target: Target,
  embedder: Embedder,
  rows: number,
): Promise<EmbeddingForecast | null> {
  const { texts } = await drawTexts(pool, target, {
    rows: SAMPLED_ROWS,
    characters: Math.min(embedder.maxCharacters, MAX_CHARACTERS),
  });
  const pages = Array.from({ length: Math.ceil(texts.length / PAGE) }, (_, at) =>
    texts.slice(at * PAGE, (at + 1) * PAGE).map(({ text }) => text),
  );
  const [first] = pages;
  if (first === undefined) return null;
  try {
    // The first call of a model is slower than those behind it.
    await embedRows(target, embedder, first);
    const started = performance.now();
    let sampledRows = 0;
    for (const page of pages) {
      await embedRows(target, embedder, page);
      sampledRows += page.length;
      if (performance.now() - started > LONGEST_MS) break;
    }
    const rowsPerSecond = sampledRows / Math.max((performance.now() - started) / 1000, 1e-6);
    return { rowsPerSecond, seconds: rows / rowsPerSecond, sampledRows };
  } catch {
    return null;
  }
}

/** All that a run embeds of such rows. */
async function embedRows(target: Target, embedder: Embedder, texts: readonly string[]): Promise<void> {
  if (!target.hasPassages || embedder.cutPassages === undefined) {
    await embedder.embed(texts);
    return;
  }
  const cut = await embedder.cutPassages(texts);
  await embedder.embed(
    cut.texts.flatMap(({ passages }) => passages.map(({ text }) => text)),
    { as: 'passage' },
  );
}

/** "embedding takes about 3 min at 100 rows/s by one process on this machine" */
export function embeddingForecastLine(
  { rowsPerSecond, seconds }: EmbeddingForecast,
  settings: Settings,
): string {
  const by = settings.model.endpoint === undefined ? 'one process on this machine' : 'one request at a time';
  return `embedding takes about ${duration(seconds)} at ${count(Math.round(rowsPerSecond))} rows/s by ${by}`;
}
