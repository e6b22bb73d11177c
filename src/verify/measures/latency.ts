/** How long searches take: legacy, exact and index on the same queries in turn, the model's time counted and shown apart. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { LegacyTries } from '../../search/queries/legacy-fault.ts';
import { legacySearch } from '../../search/queries/legacy-query.ts';
import { nearest } from '../../search/queries/vector-query.ts';
import type { Check } from '../check.ts';
import { searchable, type EmbeddedQuery, type SearchableQuery } from '../queries/query-vectors.ts';
import type { LiveQueries } from './live-queries.ts';
import { RECALL_K, percentile } from './recall.ts';
import type { SearchContext } from './systems.ts';

export interface Percentiles {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

const NAMES = ['legacy', 'exact', 'index', 'embedding', 'vector'] as const;
/** The same of the generation by which reads go, where another one is verified. */
const LIVE_NAMES = ['live-index', 'live-embedding', 'live'] as const;
export type LatencyName = (typeof NAMES)[number] | (typeof LIVE_NAMES)[number];

export interface Latency {
  /** Queries measured, and those run before without being counted. */
  queries: number;
  warmUp: number;
  /** True where the time allowed ended before the queries did. */
  cutShort: boolean;
  /** legacy, exact and index are the database's part; embedding is the model's; vector, like live, is embedding and index together. */
  systems: ({ name: LatencyName } & Percentiles)[];
}

const WARM_UP = 5;
/** A legacy search that reads a large table takes long for every query; what was measured until then tells enough. */
const ALLOWED_MS = 120_000;

/** Queries that a model makes no vector of are left out. @param live the same queries, by the other generation's model */
export async function measureLatency(
  context: SearchContext,
  queries: readonly EmbeddedQuery[],
  live: LiveQueries | null = null,
): Promise<Latency> {
  const started = performance.now();
  const pairs = pairsOf(queries, live);
  const warmUp = pairs.slice(0, WARM_UP);
  for (const pair of warmUp) await searchAll(context, live, pair, 0);
  const names: readonly LatencyName[] = live === null ? NAMES : [...NAMES, ...LIVE_NAMES];
  const times = new Map<LatencyName, number[]>(names.map((name) => [name, []]));
  let measured = 0;
  for (const [turn, pair] of pairs.entries()) {
    // At least one: nothing measured says nothing.
    if (turn > 0 && performance.now() - started > ALLOWED_MS) break;
    for (const [name, milliseconds] of timesOf(pair, await searchAll(context, live, pair, turn)))
      times.get(name)?.push(milliseconds);
    measured++;
  }
  return {
    queries: measured,
    warmUp: warmUp.length,
    cutShort: measured < pairs.length,
    systems: names.map((name) => ({ name, ...percentilesOf(times.get(name) ?? []) })),
  };
}

interface Pair {
  own: SearchableQuery;
  other: SearchableQuery | null;
}

function pairsOf(queries: readonly EmbeddedQuery[], live: LiveQueries | null): Pair[] {
  return queries.flatMap((query, at) => {
    const [own, other] = searchable([query, ...(live?.queries.slice(at, at + 1) ?? [])]);
    if (own === undefined || own.vector !== query.vector || (live !== null && other === undefined)) return [];
    return [{ own, other: other ?? null }];
  });
}

type Searched = 'legacy' | 'exact' | 'index' | 'live-index';
type Times = Map<LatencyName, number>;
const TURNS: readonly Searched[] = ['legacy', 'exact', 'index'];
const LIVE_TURNS: readonly Searched[] = [...TURNS, 'live-index'];

/** With the models' times. */
function timesOf({ own, other }: Pair, searched: Times): Times {
  const total = ({ embeddingMs }: SearchableQuery, index: Searched): number =>
    embeddingMs + (searched.get(index) ?? 0);
  const times: Times = new Map(searched);
  times.set('embedding', own.embeddingMs).set('vector', total(own, 'index'));
  if (other !== null) times.set('live-embedding', other.embeddingMs).set('live', total(other, 'live-index'));
  return times;
}

/** Each of them comes first, second and last equally often, so that none always finds what another has put into the cache. */
async function searchAll(
  context: SearchContext,
  live: LiveQueries | null,
  { own, other }: Pair,
  turn: number,
): Promise<Times> {
  const { pool, target, settings, tries = new LegacyTries() } = context;
  const legacy = async (): Promise<number> =>
    (await legacySearch(pool, target, settings, own.text, RECALL_K)).milliseconds;
  const search: Record<Searched, () => Promise<number | null>> = {
    legacy: () => tries.ask(legacy, null),
    exact: () => vectorSearch(context, own, 'exact'),
    index: () => vectorSearch(context, own, 'index'),
    'live-index': async () =>
      live === null || other === null ? null : vectorSearch(live.context, other, 'index'),
  };
  const turns = live === null ? TURNS : LIVE_TURNS;
  const times: Times = new Map();
  for (let place = 0; place < turns.length; place++) {
    const name = turns[(turn + place) % turns.length] as Searched;
    const milliseconds = await search[name]();
    if (milliseconds !== null) times.set(name, milliseconds);
  }
  return times;
}

async function vectorSearch(
  { pool, target, settings, read }: SearchContext,
  { vector }: SearchableQuery,
  mode: 'exact' | 'index',
): Promise<number> {
  return (await nearest(pool, target, settings.metric, vector, RECALL_K, mode, { read })).milliseconds;
}

const percentilesOf = (values: readonly number[]): Percentiles => ({
  p50Ms: percentile(values, 0.5) ?? 0,
  p95Ms: percentile(values, 0.95) ?? 0,
  p99Ms: percentile(values, 0.99) ?? 0,
});

/** For p99 to be more than the slowest query. */
const ENOUGH_QUERIES = 100;

export function latencyCheck(latency: Latency, settings: Settings): Check {
  const p95 = latency.systems.find(({ name }) => name === 'vector')?.p95Ms ?? null;
  const limit = settings.verify.latencyMs ?? null;
  const passed = limit === null || (p95 ?? 0) <= limit;
  const shown = latency.systems.map(
    ({ name, p50Ms, p95Ms, p99Ms }) =>
      `${name} ${p50Ms.toFixed(2)} / ${p95Ms.toFixed(2)} / ${p99Ms.toFixed(2)}`,
  );
  const few =
    latency.queries < ENOUGH_QUERIES
      ? `; with fewer than ${ENOUGH_QUERIES} queries p99 is the slowest one`
      : '';
  return {
    name: 'latency-p95',
    passed,
    value: p95,
    threshold: limit,
    detail: `ms p50 / p95 / p99 of ${latency.queries} queries${latency.cutShort ? ' (cut short, they take too long)' : ''}: ${shown.join(', ')}${few}`,
    remedy: passed
      ? null
      : `See which part takes the time: a smaller model, or one of 8 bits by ${optionName('model.dtype')}, for embedding; memory for the index, or a smaller ef_search, for the search; or raise ${optionName('verify.latencyMs')}.`,
  };
}
