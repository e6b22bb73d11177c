/** Recall against exact search over the settings of the index: what more searching buys, with and without filters. */

import type { Interval } from '../../relevance/bootstrap.ts';
import { groupedWilson, type Counted } from '../../relevance/wilson.ts';
import type { Filter } from '../../search/queries/filter.ts';
import {
  ITERATIVE_SCANS,
  MAX_EF_SEARCH,
  type IterativeScan,
  type ReadSettings,
} from '../../ledger/reads/read-settings.ts';
import { isReranked } from '../../table/candidates.ts';
import {
  nearestOfEach,
  type Neighbour,
  type ScanMode,
  type TimedNeighbours,
} from '../../search/queries/vector-query.ts';
import { findVectorExtension, isAtLeast } from '../../table/vector-extension.ts';
import { GROUP, RECALL_K, besideOwn, percentile, recallOf, withoutOwn } from './recall.ts';
import type { SearchContext } from './systems.ts';

export interface CurvePoint extends Interval {
  /** Of the setting. */
  value: number;
  /** Share of the exact answers' places that the index filled with rows as near; low and high by Wilson, with the queries as groups of places. */
  recall: number;
  p50Ms: number;
}

export interface CurveSeries {
  /** Vectors of rows, each without the row itself, or the queries of the file. */
  source: 'rows' | 'queries';
  queries: number;
  /** Name; null for the plain query. */
  filter: string | null;
  /** Null where it makes no difference (no condition) or does not exist (pgvector before 0.8). */
  iterativeScan: IterativeScan | null;
  points: CurvePoint[];
}

export interface Curve {
  setting: 'hnsw.ef_search' | 'ivfflat.probes';
  k: number;
  series: CurveSeries[];
}

export interface CurveQuery {
  vector: string;
  /** Key of the row that the vector is of; null for a query. */
  own: string | null;
}
export type CurveQueries = Record<CurveSeries['source'], CurveQuery[]>;

const EF_SEARCH = [10, 20, 40, 60, 80, 100, 150, 200, 300, 400];
/** From 1: a small index has few lists. */
const PROBES = [1, 2, 5, ...EF_SEARCH];
const ITERATIVE_VERSION = '0.8.0';

export async function measureCurve(
  context: SearchContext,
  queries: CurveQueries,
  lists: number | null,
  onSeries: (what: string) => void,
): Promise<Curve> {
  const { target, settings, pool } = context;
  const { method } = target.indexed;
  const values = isReranked(target)
    ? candidatesFrom(target.candidates)
    : method === 'hnsw'
      ? EF_SEARCH
      : probesUpTo(lists ?? 1);
  const { version } = await findVectorExtension(pool);
  const known = isAtLeast(version ?? '0', ITERATIVE_VERSION);
  // IVFFlat has no strict order.
  const scans = method === 'hnsw' ? ITERATIVE_SCANS : ITERATIVE_SCANS.slice(0, 2);
  const curve: Curve = {
    setting: method === 'hnsw' ? 'hnsw.ef_search' : 'ivfflat.probes',
    k: RECALL_K,
    series: [],
  };
  for (const source of ['rows', 'queries'] as const) {
    if (queries[source].length === 0) continue;
    for (const filter of [null, ...settings.search.filters]) {
      const exact = await answers(context, queries[source], 'exact', filter, {});
      const conditional = filter !== null || target.where !== '(true)';
      for (const iterativeScan of known && conditional ? scans : [null]) {
        onSeries([source, filter?.name, iterativeScan].filter((each) => each != null).join(', '));
        const points: CurvePoint[] = [];
        for (const value of values) {
          const read = readSettings(curve.setting, value, iterativeScan);
          points.push({
            value,
            ...(await measurePoint(context, queries[source], exact, filter, read, points.length === 0)),
          });
        }
        curve.series.push({
          source,
          queries: queries[source].length,
          filter: filter?.name ?? null,
          iterativeScan,
          points,
        });
      }
    }
  }
  return curve;
}

/** Of an index of bits: what is looked for is what is compared again by its vector. */
const candidatesFrom = (least: number): number[] => [
  ...[1, 1.5, 2, 3, 4, 5].map((factor) => Math.round(least * factor)).filter((each) => each < MAX_EF_SEARCH),
  MAX_EF_SEARCH,
];

const probesUpTo = (lists: number): number[] => [...PROBES.filter((probes) => probes < lists), lists];

/** What a point was measured with, as reads would set it. */
export function readSettings(
  setting: Curve['setting'],
  value: number,
  iterativeScan: IterativeScan | null,
): ReadSettings {
  const method = setting === 'hnsw.ef_search' ? 'hnsw' : 'ivfflat';
  return {
    [setting]: String(value),
    ...(iterativeScan === null ? {} : { [`${method}.iterative_scan`]: iterativeScan }),
  };
}

async function measurePoint(
  context: SearchContext,
  queries: readonly CurveQuery[],
  exact: readonly TimedNeighbours[],
  filter: Filter | null,
  read: ReadSettings,
  first: boolean,
): Promise<Omit<CurvePoint, 'value'>> {
  // The first point would pay for what the others then find in the cache.
  if (first) await answers(context, queries, 'index', filter, read);
  const found = await answers(context, queries, 'index', filter, read);
  const counted = queries.map(({ own }, at): Counted => {
    const wanted: Neighbour[] = withoutOwn(exact[at]?.neighbours ?? [], own);
    const share = recallOf(wanted, withoutOwn(found[at]?.neighbours ?? [], own));
    return { hits: Math.round(share * wanted.length), trials: wanted.length };
  });
  const hits = counted.reduce((sum, each) => sum + each.hits, 0);
  const places = counted.reduce((sum, each) => sum + each.trials, 0);
  return {
    recall: places === 0 ? 1 : hits / places,
    ...groupedWilson(counted),
    p50Ms:
      percentile(
        found.map(({ milliseconds }) => milliseconds),
        0.5,
      ) ?? 0,
  };
}

/** Of rows one more than k is asked for, as each is its own nearest neighbour. */
async function answers(
  { pool, target, settings }: SearchContext,
  queries: readonly CurveQuery[],
  mode: ScanMode,
  filter: Filter | null,
  read: ReadSettings,
): Promise<TimedNeighbours[]> {
  const ofRows = queries[0]?.own !== null;
  const k = ofRows ? RECALL_K + 1 : RECALL_K;
  const options = { filter, read: ofRows ? besideOwn(read) : read };
  const all: TimedNeighbours[] = [];
  for (let at = 0; at < queries.length; at += GROUP) {
    const vectors = queries.slice(at, at + GROUP).map(({ vector }) => vector);
    all.push(...(await nearestOfEach(pool, target, settings.metric, vectors, k, mode, options)));
  }
  return all;
}
