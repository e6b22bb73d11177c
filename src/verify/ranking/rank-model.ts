/**
 * One model on a sample of rows: what it finds for queries whose relevant rows are known, by exact distances, with each way of
 * long texts. Nothing is written, no vector is kept, and a text that fits is embedded once for all of them.
 */

import { withValues } from '../../config/shape.ts';
import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import type { Embedder, Embeddings } from '../../embedding/embedder.ts';
import type { OnProgress } from '../../observability/progress.ts';
import { ndcg, recall, type Grades } from '../../relevance/metrics.ts';
import type { Judgements, Query } from '../../relevance/query-file.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { TextRow } from '../../table/read-texts.ts';
import { NearestOfQueries } from './nearest-of-queries.ts';
import { textPages, type PageOptions, type RowSample } from './sampled-texts.ts';

export const LONG_TEXT_MODES = ['truncate', 'mean-of-chunks', 'chunks'] as const;
export type LongTextMode = (typeof LONG_TEXT_MODES)[number];

export interface RankInput {
  pool: Pool;
  target: Target;
  /** Of the model; `model.longText` is set for each mode. */
  settings: Settings;
  queries: readonly Query[];
  /** Each query has a relevant key in them, written as the table's are. */
  judgements: Judgements;
  sample: RowSample;
  /** Whether the other ways of long texts are tried as well, once it is known what share of the texts does not fit. */
  isLongTried: (share: number) => boolean;
  openEmbedder: (settings: Settings) => Promise<Embedder>;
  /** Before anything is embedded; what it throws ends it. */
  onOpened?: (embedder: Embedder) => Promise<void> | void;
  onProgress?: OnProgress | undefined;
  /** What progress is told of. */
  what: string;
}

export interface RankedMode {
  /** By query, 0 to 1. */
  ndcg10: number[];
  recall100: number[];
  rowsPerSecond: number;
  /** Of all rows. */
  vectors: number;
}

export interface RankedModel {
  rows: number;
  judgedRows: number;
  /** Whose text the model does not read whole in one inference, or not in one passage. */
  longRows: number;
  /** Whose text truncate cuts. */
  truncatedRows: number;
  /** Where long texts were tried: rows of more than one passage, passages of all rows, rows of more than `model.maxChunks`. */
  passages: { longRows: number; all: number; cutRows: number } | null;
  modes: Map<LongTextMode, RankedMode>;
}

/** Texts held at a time: enough for all processes to have work until nearly the end, and no more characters than this. */
const PAGE_ROWS = 500;
const PAGE_CHARACTERS = 32_000_000;

const pagesFor = ({ maxCharacters }: Embedder): PageOptions => ({
  characters: maxCharacters,
  pageRows: Math.min(PAGE_ROWS, Math.ceil(PAGE_CHARACTERS / maxCharacters)),
});

const NONE = new Float32Array();

export async function rankModel(input: RankInput): Promise<RankedModel> {
  const { settings, openEmbedder, sample, isLongTried } = input;
  const open = (longText: 'truncate' | 'mean-of-chunks'): Promise<Embedder> =>
    openEmbedder(withValues(settings, [['model.longText', longText]]));
  const truncating = await open('truncate');
  let short: ShortTexts;
  try {
    await input.onOpened?.(truncating);
    short = await rankShort(input, truncating);
  } finally {
    await truncating.close();
  }
  const { rows, seconds, truncated, fits, longKeys } = short;
  const judged = new Set(sample.judged);
  const modes = new Map<LongTextMode, RankedMode>();
  const put = (mode: LongTextMode, nearest: NearestOfQueries, took: number, vectors = rows): void => {
    modes.set(mode, { ...scoresOf(input, nearest), rowsPerSecond: rows / Math.max(took, 1e-6), vectors });
  };
  put('truncate', short.all, seconds);
  const ranked: RankedModel = {
    rows,
    judgedRows: short.keys.filter((key) => judged.has(key)).length,
    longRows: longKeys.length,
    truncatedRows: truncated,
    passages: null,
    modes,
  };
  if (!isLongTried(longKeys.length / Math.max(rows, 1))) return ranked;
  const averaging = await open('mean-of-chunks');
  try {
    const long = await rankLong(input, averaging, fits.nearest, longKeys);
    put('mean-of-chunks', long.mean, fits.seconds + long.seconds.mean);
    if (long.chunks === null) return ranked;
    const all = fits.rows + long.passages;
    put('chunks', long.chunks, fits.seconds + long.seconds.chunks, all);
    return { ...ranked, passages: { longRows: long.longRows, all, cutRows: long.cutRows } };
  } finally {
    await averaging.close();
  }
}

interface ShortTexts {
  rows: number;
  keys: string[];
  /** Of embedding all of them. */
  seconds: number;
  truncated: number;
  all: NearestOfQueries;
  /** Those that are the same whatever becomes of long ones. */
  fits: { nearest: NearestOfQueries; rows: number; seconds: number };
  longKeys: string[];
}

async function rankShort(input: RankInput, embedder: Embedder): Promise<ShortTexts> {
  const { pool, target, settings, sample, queries } = input;
  const asked = await embedder.embed(
    queries.map(({ text }) => text),
    { as: 'query' },
  );
  const all = new NearestOfQueries({ ...asked, dimensions: embedder.dimensions }, settings.metric);
  const fits = { nearest: all.copy(), rows: 0, seconds: 0 };
  const short: ShortTexts = { rows: 0, keys: [], seconds: 0, truncated: 0, all, fits, longKeys: [] };
  const keys = [...sample.judged, ...sample.drawn];
  for await (const page of textPages(pool, target, keys, pagesFor(embedder))) {
    input.onProgress?.({ what: input.what, done: short.rows, total: keys.length });
    const [whole, took] = await timed(() => embedder.embed(page.map(({ text }) => text)));
    const isLong = await longTexts(input, embedder, page, whole);
    for (const [at, { key }] of page.entries()) {
      const vector = vectorAt(whole, at, embedder.dimensions);
      const scores = vector === NONE ? null : all.scoresOf(vector);
      if (scores !== null) all.addScores(key, scores);
      if (isLong[at] === true) short.longKeys.push(key);
      else if (scores !== null) fits.nearest.addScores(key, scores);
      if (whole.truncated[at] === 1) short.truncated++;
      short.keys.push(key);
    }
    short.seconds += took;
    fits.seconds += took * shareOf(page, whole, isLong);
    short.rows += page.length;
  }
  fits.rows = short.rows - short.longKeys.length;
  return short;
}

/** Which texts are more than one inference, or one passage. */
async function longTexts(
  { settings: { model } }: RankInput,
  embedder: Embedder,
  page: readonly TextRow[],
  { truncated }: Embeddings,
): Promise<boolean[]> {
  // Of a server tokens are not known, and passages go by characters.
  const isOneLimit =
    embedder.maxTokens !== undefined && (model.chunkTokens ?? model.maxTokens) >= embedder.maxTokens;
  const cut = isOneLimit ? undefined : await embedder.cutPassages?.(page.map(({ text }) => text));
  return page.map(
    ({ text }, at) =>
      truncated[at] === 1 ||
      text.length >= embedder.maxCharacters ||
      (cut?.texts[at]?.passages.length ?? 0) > 1,
  );
}

/** Of the time that a page took, by tokens, or by characters where tokens are not told. */
function shareOf(page: readonly TextRow[], { tokens }: Embeddings, isLong: readonly boolean[]): number {
  const sizes = page.map(({ text }, at) => tokens[at] || text.length / 3);
  const sum = (of: (at: number) => boolean): number =>
    sizes.reduce((total, size, at) => total + (of(at) ? size : 0), 0);
  const all = sum(() => true);
  return all === 0 ? 1 : sum((at) => isLong[at] !== true) / all;
}

interface LongTextsRanked {
  mean: NearestOfQueries;
  /** Null of a model that cannot cut passages. */
  chunks: NearestOfQueries | null;
  seconds: { mean: number; chunks: number };
  passages: number;
  longRows: number;
  cutRows: number;
}

async function rankLong(
  input: RankInput,
  embedder: Embedder,
  fits: NearestOfQueries,
  keys: readonly string[],
): Promise<LongTextsRanked> {
  const chunks = embedder.cutPassages === undefined ? null : fits.copy();
  const mean = fits.copy();
  const seconds = { mean: 0, chunks: 0 };
  const ranked: LongTextsRanked = { mean, chunks, seconds, passages: 0, longRows: 0, cutRows: 0 };
  let done = 0;
  for await (const page of textPages(input.pool, input.target, keys, pagesFor(embedder))) {
    input.onProgress?.({ what: `${input.what}, long texts`, done, total: keys.length });
    const [whole, took] = await timed(() => embedder.embed(page.map(({ text }) => text)));
    for (const [at, { key }] of page.entries()) mean.add(key, vectorAt(whole, at, embedder.dimensions));
    seconds.mean += took;
    if (chunks !== null) {
      const [cut, cutting] = await timed(() => passagesOf(embedder, page));
      for (const [at, { key }] of page.entries()) chunks.add(key, cut[at]?.vectors ?? NONE);
      seconds.chunks += cutting;
      ranked.passages += cut.reduce((sum, { passages }) => sum + passages, 0);
      ranked.longRows += cut.filter(({ passages }) => passages > 1).length;
      ranked.cutRows += cut.filter(({ isCut }) => isCut).length;
    }
    done += page.length;
  }
  return ranked;
}

async function timed<T>(work: () => Promise<T>): Promise<[result: T, seconds: number]> {
  const started = performance.now();
  return [await work(), (performance.now() - started) / 1000];
}

/** Empty where the model makes none. */
const vectorAt = ({ vectors, faults }: Embeddings, at: number, dimensions: number): Float32Array =>
  faults[at] === 0 ? vectors.subarray(at * dimensions, (at + 1) * dimensions) : NONE;

async function passagesOf(
  embedder: Embedder,
  page: readonly TextRow[],
): Promise<{ vectors: Float32Array; passages: number; isCut: boolean }[]> {
  const { dimensions } = embedder;
  const texts = (await embedder.cutPassages?.(page.map(({ text }) => text)))?.texts ?? [];
  const each = await embedder.embed(
    texts.flatMap(({ passages }) => passages.map(({ text }) => text)),
    { as: 'passage' },
  );
  let next = 0;
  return texts.map(({ passages, truncated }) => {
    const own = passages.map((_, at) => vectorAt(each, next + at, dimensions)).filter((one) => one !== NONE);
    next += passages.length;
    const vectors = new Float32Array(own.length * dimensions);
    for (const [at, one] of own.entries()) vectors.set(one, at * dimensions);
    return { vectors, passages: passages.length, isCut: truncated };
  });
}

function scoresOf(
  { queries, judgements }: RankInput,
  nearest: NearestOfQueries,
): Pick<RankedMode, 'ndcg10' | 'recall100'> {
  const all = queries.map(({ id }, at) => ({
    ranking: nearest.ranking(at),
    grades: judgements.get(id) as Grades,
  }));
  return {
    ndcg10: all.map(({ ranking, grades }) => ndcg(ranking, grades)),
    recall100: all.map(({ ranking, grades }) => recall(ranking, grades)),
  };
}
