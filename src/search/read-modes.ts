/** The three ways to answer a search, each as hits, best first. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { codeOf, isOfARow } from '../db/sqlstates.ts';
import { TABLE_LIMITS, type TransactionLimits } from '../db/transaction.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { fuseScored } from '../relevance/rank-fusion.ts';
import type { Metric } from '../table/metric.ts';
import type { Target } from '../table/backfill-target.ts';
import type { Filter } from './queries/filter.ts';
import type { FilterRowCounts } from './queries/filter-row-counts.ts';
import { serverFault } from './queries/legacy-fault.ts';
import { legacySearch } from './queries/legacy-query.ts';
import { NOT_EMBEDDABLE, embedQuery } from './queries/query-vector.ts';
import { EQUAL_FUSION, type Fusion } from '../ledger/reads/fusion.ts';
import type { ReadSettings } from '../ledger/reads/read-settings.ts';
import { withPassageTexts } from './queries/passage-texts.ts';
import { nearestRows } from './queries/nearest-rows.ts';
import { TEXT_FAILED, textSearch } from './queries/text-query.ts';
import type { FoundPassage, Neighbour } from './queries/vector-query.ts';

export interface SearchHit {
  /** The row's key, as text. */
  key: string;
  /** From 1. */
  rank: number;
  /** By the metric of the backfill; null where no vector was compared for this row. */
  distance: number | null;
  /**
   * Higher is better: cosine similarity, inner product, or the L2 distance below zero; the weighted sum of reciprocal ranks for
   * hybrid; null for the legacy search.
   */
  score: number | null;
  /**
   * The passage of the row's text that is nearest to the query, where each passage has a vector (`model.longText: chunks`); absent
   * elsewhere, and where no vector was compared for this row.
   */
  passage?: FoundPassage;
}

export interface SearchRequest {
  pool: Pool;
  target: Target;
  settings: Settings;
  read: ReadSettings;
  /** Of hybrid searches; equal weights where absent. */
  fusion?: Fusion | undefined;
  text: string;
  k: number;
  filter: Filter | null;
  /** Longest statement, ms. */
  timeoutMs: number;
  /** Whether the passages of hits come with their texts. */
  passageText?: boolean | undefined;
  known?: FilterRowCounts | undefined;
  signal?: AbortSignal | undefined;
  /** Told of the query's vector, in pgvector's text form. */
  onVector?: ((vector: string) => void) | undefined;
}

const limitsOf = ({ timeoutMs }: SearchRequest, tries: number): TransactionLimits => ({
  ...TABLE_LIMITS,
  statementTimeoutMs: timeoutMs,
  lockTimeoutMs: Math.min(timeoutMs, TABLE_LIMITS.lockTimeoutMs),
  tries,
});

export async function answerLegacy(request: SearchRequest): Promise<SearchHit[]> {
  const { pool, target, settings, text, k, filter } = request;
  const { keys } = await legacySearch(pool, target, settings, text, k, {
    filter,
    limits: limitsOf(request, 2),
  });
  return keys.map((key, at) => ({ key, rank: at + 1, distance: null, score: null }));
}

export async function answerVector(request: SearchRequest, embedder: Embedder): Promise<SearchHit[]> {
  const vector = await embedQuery(embedder, request.text, request.signal);
  request.onVector?.(vector);
  request.signal?.throwIfAborted();
  return withTexts(request, await vectorHits(request, vector));
}

async function withTexts(request: SearchRequest, hits: SearchHit[]): Promise<SearchHit[]> {
  if (request.passageText !== true) return hits;
  request.signal?.throwIfAborted();
  return withPassageTexts(request.pool, request.target, hits, limitsOf(request, 2));
}

export async function vectorHits(request: SearchRequest, vector: string): Promise<SearchHit[]> {
  const { metric } = request.settings;
  return (await neighbours(request, vector, request.k)).map(({ distance, ...row }, at) => ({
    ...row,
    rank: at + 1,
    distance,
    score: scoreOf(metric, distance),
  }));
}

/** Weighted reciprocal rank fusion of vectors and full text; words alone where the model knows none of them. */
export async function answerHybrid(request: SearchRequest, embedder: Embedder): Promise<SearchHit[]> {
  const vector = await embedQuery(embedder, request.text, request.signal).catch((error: unknown) => {
    if (codeOf(error) === NOT_EMBEDDABLE) return null;
    throw error;
  });
  if (vector !== null) request.onVector?.(vector);
  request.signal?.throwIfAborted();
  return withTexts(request, await hybridHits(request, vector));
}

async function hybridHits(request: SearchRequest, vector: string | null): Promise<SearchHit[]> {
  const { pool, target, settings, text, k, filter } = request;
  const { fusion = EQUAL_FUSION } = request;
  const depth = fusedDepth(k, fusion);
  const near = vector === null ? [] : await neighbours(request, vector, depth);
  request.signal?.throwIfAborted();
  const words = await textSearch(pool, target, settings, text, depth, {
    filter,
    limits: limitsOf(request, 1),
  }).catch((error: unknown) => {
    if (vector === null || codeOf(error) !== TEXT_FAILED || !isOfARow((error as Error).cause)) throw error;
    warnOfWords(target, error);
    return [];
  });
  return fuseHits(near, words, k, fusion);
}

const warned = new WeakSet<Target>();

/** One row that cannot be ranked fails the ranking of all; by their meaning they are found all the same. */
function warnOfWords(target: Target, error: unknown): void {
  if (warned.has(target)) return;
  warned.add(target);
  process.emitWarning(
    `Searches of ${target.backfill} in mode hybrid go by vectors alone: some row cannot be ranked by its words (${serverFault(error)}).`,
    { code: 'PGVECTOR_BACKFILL_WORDS' },
  );
}

/** How much of both lists is fused for `k` hits: what neither of them has among so many is no candidate. */
export const fusedDepth = (k: number, { depth }: Fusion): number => Math.max(k, depth);

/** Both to `fusedDepth(k)`, best first. */
export function fuseHits(
  near: readonly Neighbour[],
  words: readonly string[],
  k: number,
  fusion: Fusion,
): SearchHit[] {
  const rows = new Map(near.map((row) => [row.key, row]));
  const lists = [near.map(({ key }) => key), words];
  return fuseScored(lists, k, [1, fusion.words]).map(([key, score], at) => ({
    distance: null,
    ...rows.get(key),
    key,
    rank: at + 1,
    score,
  }));
}

/** As many as there are up to `depth`, and `k` of them wherever the table has so many. */
export async function neighbours(
  request: SearchRequest,
  vector: string,
  depth: number,
): Promise<Neighbour[]> {
  const { pool, target, settings, filter, read, k, known, signal } = request;
  const options = { filter, read, limits: limitsOf(request, 2), enough: k, known, signal };
  return (await nearestRows(pool, target, settings.metric, vector, depth, options)).neighbours;
}

/** pgvector's <#> is the negative inner product. */
const scoreOf = (metric: Metric, distance: number): number =>
  metric === 'cosine' ? 1 - distance : -distance;
