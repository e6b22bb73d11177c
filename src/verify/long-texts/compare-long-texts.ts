/**
 * What becomes of long texts, by people's judgement: one vector of the beginning, one of the mean of the chunks, or one of each
 * passage. Nothing is written: the texts of a sample are embedded in each way, and the judged queries ranked by exact distances.
 */

import { withValues } from '../../config/shape.ts';
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
import { ndcg, recall, type Grades } from '../../relevance/metrics.ts';
import type { Query } from '../../relevance/query-file.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { TextRow } from '../../table/read-texts.ts';
import { measurable, type JudgedQueries } from '../measures/relevance.ts';
import { drawSample, textPages } from './sampled-texts.ts';
import { ScoredQueries } from './scored-queries.ts';

export const LONG_TEXT_MODES = ['truncate', 'mean-of-chunks', 'chunks'] as const;
export type LongTextMode = (typeof LONG_TEXT_MODES)[number];

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
  /** Rows that are embedded in each way, at most; all that are judged are among them. */
  rows: number;
  openEmbedder: (settings: Settings) => Promise<Embedder>;
  onProgress?: OnProgress;
}

/** @throws ConfigError where the model cannot cut passages */
export async function compareLongTexts(input: LongTextsInput): Promise<LongTexts> {
  const { pool, target, settings, judged, onProgress } = input;
  const queries = measurable(judged);
  const sample = await drawSample(pool, target, judged.judgements, input.rows);
  const opened: Embedder[] = [];
  const open = async (longText: 'truncate' | 'mean-of-chunks'): Promise<Embedder> => {
    const embedder = await input.openEmbedder(withValues(settings, [['model.longText', longText]]));
    opened.push(embedder);
    return embedder;
  };
  try {
    const truncating = await open('truncate');
    const averaging = await open('mean-of-chunks');
    if (truncating.cutPassages === undefined)
      throw new ConfigError(`Model ${truncating.model} does not tell its tokens: no passages can be cut.`, {
        code: 'NO_PASSAGES',
        remedy: 'Leave --compare-long-texts out, or name a model of local files (model.localPath).',
      });
    const vectors = await queryVectors(truncating, queries);
    const scored = new Map(
      LONG_TEXT_MODES.map((mode) => [
        mode,
        new ScoredQueries(vectors, truncating.dimensions, settings.metric),
      ]),
    );
    const count = { rows: 0, judgedRows: 0, longRows: 0, passages: 0, cutRows: 0 };
    const keys = [...sample.judged, ...sample.drawn];
    const isJudged = new Set(sample.judged);
    for await (const page of textPages(pool, target, keys, averaging.maxCharacters)) {
      onProgress?.({ what: 'long texts', done: count.rows, total: keys.length });
      const texts = page.map(({ text }) => text);
      for (const [mode, embedder] of [
        ['truncate', truncating],
        ['mean-of-chunks', averaging],
      ] as const) {
        const whole = await embedded(embedder, texts);
        for (const [at, { key }] of page.entries()) scored.get(mode)?.add(key, whole[at] ?? NONE);
      }
      const passages = await passagesOf(truncating, page);
      for (const [at, { key }] of page.entries()) {
        const of = passages[at];
        scored.get('chunks')?.add(key, of?.vectors ?? NONE);
        count.passages += of?.passages ?? 0;
        if ((of?.passages ?? 0) > 1) count.longRows++;
        if (of?.isCut === true) count.cutRows++;
        if (isJudged.has(key)) count.judgedRows++;
      }
      count.rows += page.length;
    }
    return { queries: queries.length, ...count, modes: scores(queries, judged, scored) };
  } finally {
    for (const embedder of opened) await embedder.close();
  }
}

const NONE = new Float32Array();

async function queryVectors(embedder: Embedder, queries: readonly Query[]): Promise<Float32Array> {
  const { vectors, faults } = await embedder.embed(
    queries.map(({ text }) => text),
    { as: 'query' },
  );
  // One that the model knows no word of is nearest to nothing: its zeros stay.
  for (const [at, fault] of faults.entries())
    if (fault !== 0) vectors.fill(0, at * embedder.dimensions, (at + 1) * embedder.dimensions);
  return vectors;
}

/** One vector each, empty where the model makes none. */
async function embedded(
  embedder: Embedder,
  texts: readonly string[],
  as: 'document' | 'passage' = 'document',
): Promise<Float32Array[]> {
  const { vectors, faults } = await embedder.embed(texts, { as });
  const { dimensions } = embedder;
  return texts.map((_, at) =>
    faults[at] === 0 ? vectors.subarray(at * dimensions, (at + 1) * dimensions) : NONE,
  );
}

async function passagesOf(
  embedder: Embedder,
  page: readonly TextRow[],
): Promise<{ vectors: Float32Array; passages: number; isCut: boolean }[]> {
  const cut = await embedder.cutPassages?.(page.map(({ text }) => text));
  const texts = cut?.texts ?? [];
  const each = await embedded(
    embedder,
    texts.flatMap(({ passages }) => passages.map(({ text }) => text)),
    'passage',
  );
  let next = 0;
  return texts.map(({ passages, truncated }) => ({
    vectors: joined(each.slice(next, (next += passages.length))),
    passages: passages.length,
    isCut: truncated,
  }));
}

function joined(vectors: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(vectors.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const vector of vectors) {
    all.set(vector, at);
    at += vector.length;
  }
  return all;
}

function scores(
  queries: readonly Query[],
  { judgements }: JudgedQueries,
  scored: ReadonlyMap<LongTextMode, ScoredQueries>,
): LongTextScore[] {
  const of = LONG_TEXT_MODES.map((mode) => {
    const rankings = queries.map(({ id }, at) => ({
      ranking: scored.get(mode)?.ranking(at) ?? [],
      grades: judgements.get(id) as Grades,
    }));
    return {
      mode,
      ndcg10: rankings.map(({ ranking, grades }) => ndcg(ranking, grades)),
      recall100: rankings.map(({ ranking, grades }) => recall(ranking, grades)),
    };
  });
  const { means, differences } = pairedBootstrap(of.map(({ ndcg10 }) => ndcg10));
  return of.map(({ mode, ndcg10, recall100 }, at) => ({
    mode,
    ndcg10: meanOf(ndcg10),
    ...(means[at] as Interval),
    recall100: meanOf(recall100),
    difference: at === 0 ? null : differenceOf(ndcg10, of[0]?.ndcg10 ?? [], differences[at]),
  }));
}
