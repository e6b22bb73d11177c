/**
 * What becomes of long texts, by people's judgement: one vector of the beginning, one of the mean of the chunks, or one of each
 * passage, of the configured model.
 */

import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { ConfigError } from '../../errors.ts';
import type { OnProgress } from '../../observability/progress.ts';
import {
  differenceOf,
  meanOf,
  pairedBootstrap,
  type Difference,
  type Interval,
} from '../../relevance/bootstrap.ts';
import type { Target } from '../../table/backfill-target.ts';
import { measurable, type JudgedQueries } from '../measures/relevance.ts';
import { LONG_TEXT_MODES, rankModel, type LongTextMode, type RankedMode } from '../ranking/rank-model.ts';
import { drawSample } from '../ranking/sampled-texts.ts';

export interface LongTextScore {
  mode: LongTextMode;
  /** Means over the queries, 0 to 1, with the 95 % interval of the first. */
  ndcg10: number;
  low: number;
  high: number;
  recall100: number;
  /** ndcg10 minus that of `truncate`, on the same queries, with its 95 % interval; null of that itself. */
  difference: Difference | null;
}

export interface LongTexts {
  queries: number;
  /** That were ranked: those that are judged and there, and others that were drawn. */
  rows: number;
  judgedRows: number;
  /** Rows of more than one passage. */
  longRows: number;
  passages: number;
  /** Rows of more than `model.maxChunks` passages: the rest of them was left out. */
  cutRows: number;
  modes: LongTextScore[];
}

export interface LongTextsInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  judged: JudgedQueries;
  /** Rows that are embedded, at most; all that are judged are among them. */
  rows: number;
  openEmbedder: (settings: Settings) => Promise<Embedder>;
  onProgress?: OnProgress;
}

/** @throws ConfigError where the model cannot cut passages */
export async function compareLongTexts(input: LongTextsInput): Promise<LongTexts> {
  const { pool, target, settings, judged, openEmbedder, onProgress } = input;
  const { judgements } = judged;
  const queries = measurable(judged);
  const sample = await drawSample(pool, target, judgements, input.rows);
  const { rows, judgedRows, passages, modes } = await rankModel({
    pool,
    target,
    settings,
    queries,
    judgements,
    sample,
    openEmbedder,
    isLongTried: () => true,
    onOpened: assertPassages,
    onProgress,
    what: 'texts',
  });
  const { longRows = 0, all = rows, cutRows = 0 } = passages ?? {};
  return {
    queries: queries.length,
    rows,
    judgedRows,
    longRows,
    passages: all,
    cutRows,
    modes: scores(modes),
  };
}

function assertPassages(embedder: Embedder): void {
  if (embedder.cutPassages !== undefined) return;
  throw new ConfigError(`Model ${embedder.model} does not tell its tokens: no passages can be cut.`, {
    code: 'NO_PASSAGES',
    remedy: 'Leave --compare-long-texts out, or name a model of local files (model.localPath).',
  });
}

function scores(modes: ReadonlyMap<LongTextMode, RankedMode>): LongTextScore[] {
  const of = LONG_TEXT_MODES.map((mode) => modes.get(mode)?.ndcg10 ?? []);
  const { means, differences } = pairedBootstrap(of);
  return LONG_TEXT_MODES.map((mode, at) => ({
    mode,
    ndcg10: meanOf(of[at] ?? []),
    ...(means[at] as Interval),
    recall100: meanOf(modes.get(mode)?.recall100 ?? []),
    difference: at === 0 ? null : differenceOf(of[at] ?? [], of[0] ?? [], differences[at]),
  }));
}
