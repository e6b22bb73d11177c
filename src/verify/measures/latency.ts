/** How long searches take: legacy, exact and index on the same queries in turn, the model's time counted and shown apart. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { LegacyTries } from '../../search/queries/legacy-fault.ts';
import { legacySearch } from '../../search/queries/legacy-query.ts';
import { nearest } from '../../search/queries/vector-query.ts';
import type { Check } from '../check.ts';
import type { SearchableQuery } from '../queries/query-vectors.ts';
import { RECALL_K, percentile } from './recall.ts';
import type { SearchContext } from './systems.ts';

export interface Percentiles {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

export type LatencyName = 'legacy' | 'exact' | 'index' | 'embedding' | 'vector';

export interface Latency {
  /** Queries measured, and those run before without being counted. */
  queries: number;
  warmUp: number;
  /** True where the time allowed ended before the queries did. */
  cutShort: boolean;
  /** legacy, exact and index are the database's part; embedding is the model's; vector is embedding and index together. */
  systems: ({ name: LatencyName } & Percentiles)[];
}

const WARM_UP = 5;
/** A legacy search that reads a large table takes long for every query; what was measured until then tells enough. */
const ALLOWED_MS = 120_000;

export async function measureLatency(
  context: SearchContext,
  queries: readonly SearchableQuery[],
): Promise<Latency> {
  const started = performance.now();
  const warmUp = queries.slice(0, WARM_UP);
  for (const query of warmUp) await searchAll(context, query, 0);
  const times: Record<LatencyName, number[]> = {
    legacy: [],
    exact: [],
    index: [],
    embedding: [],
    vector: [],
  };
  for (const [turn, query] of queries.entries()) {
    // At least one: nothing measured says nothing.
    if (turn > 0 && performance.now() - started > ALLOWED_MS) break;
    const { legacy, exact, index } = await searchAll(context, query, turn);
    if (legacy !== null) times.legacy.push(legacy);
    times.exact.push(exact);
    times.index.push(index);
    times.embedding.push(query.embeddingMs);
    times.vector.push(query.embeddingMs + index);
  }
  return {
    queries: times.index.length,
    warmUp: warmUp.length,
    cutShort: times.index.length < queries.length,
    systems: (Object.keys(times) as LatencyName[]).map((name) => ({ name, ...percentilesOf(times[name]) })),
  };
}

type Searched = 'legacy' | 'exact' | 'index';
const TURNS: readonly Searched[] = ['legacy', 'exact', 'index'];

/** Each of them comes first, second and last equally often, so that none always finds what another has put into the cache. */
async function searchAll(
  { pool, target, settings, read, tries = new LegacyTries() }: SearchContext,
  { text, vector }: SearchableQuery,
  turn: number,
): Promise<Record<'exact' | 'index', number> & { legacy: number | null }> {
  const vectorSearch = async (mode: 'exact' | 'index'): Promise<number> =>
    (await nearest(pool, target, settings.metric, vector, RECALL_K, mode, { read })).milliseconds;
  const times: Awaited<ReturnType<typeof searchAll>> = { legacy: null, exact: 0, index: 0 };
  for (let place = 0; place < TURNS.length; place++) {
    const name = TURNS[(turn + place) % TURNS.length] as Searched;
    if (name === 'legacy')
      times.legacy = await tries.ask(
        async () => (await legacySearch(pool, target, settings, text, RECALL_K)).milliseconds,
        null,
      );
    else times[name] = await vectorSearch(name);
  }
  return times;
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
      : `See which part takes the time: a smaller model, or an int8 one by ${optionName('model.quantized')}, for embedding; memory for the index, or a smaller ef_search, for the search; or raise ${optionName('verify.latencyMs')}.`,
  };
}
