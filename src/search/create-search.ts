/** The search that an application imports: answered by the read mode that PostgreSQL holds at that moment. */

import type { Settings } from '../config/settings.ts';
import { SQLSTATE, codeOf, hasSqlState } from '../db/sqlstates.ts';
import { configuredQueries } from '../db/transaction.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { BackfillError, ConfigError } from '../errors.ts';
import { answerHybrid, answerLegacy, answerVector, type SearchRequest } from './read-modes.ts';
import type { ContextKeeper } from './state/backfill-context.ts';
import { isInCanary } from './canary.ts';
import type { CreateSearchOptions, Search, SearchOptions, SearchResult } from './search-interface.ts';
import { chooseFilter } from './queries/filter.ts';
import { TtlCache, MONOTONIC } from './state/ttl-cache.ts';
import { FilterRowCounts } from './queries/filter-row-counts.ts';
import { LazyEmbedder, openForSearch } from './state/lazy-embedder.ts';
import { NOT_EMBEDDABLE, queryVector } from './queries/query-vector.ts';
import { loadReadState, type ReadState } from '../ledger/reads/read-state.ts';
import { reportReadiness, type Readiness } from './state/readiness.ts';
import { Shadow } from './shadow.ts';
import { StatsBuffer } from './state/stats-buffer.ts';

/** Oldest read mode that a search goes by, ms. */
const READ_MODE_BOUND_MS = 1000;
/** With the look at the ledger itself: a change of the mode is seen by every search that begins so much later. */
export const READ_MODE_SEEN_SECONDS = 2;

/** A text that takes part in no search. */
const PROBE = 'is this machine ready';

const DEFAULTS = { k: 10, maxHits: 1000, timeoutMs: 60_000, shadowTimeoutMs: 2000, shadowConcurrency: 2 };

/** Opens nothing until the first search, and keeps no process alive that has nothing else to do. */
export function createSearch(options: CreateSearchOptions): Search {
  const { pool, backfill, timeoutMs = DEFAULTS.timeoutMs } = options;
  const ledger = configuredQueries(pool);
  const clock = options.clock ?? MONOTONIC;
  const state = new TtlCache(() => loadReadState(ledger, backfill), READ_MODE_BOUND_MS, clock);
  const known = new FilterRowCounts(clock);
  // Loaded with the first search: to read options takes more than all the rest that an application imports at its start.
  let loaded: Promise<ContextKeeper> | null = null;
  const keeper = (): Promise<ContextKeeper> =>
    (loaded ??= import('./state/backfill-context.ts').then(
      ({ ContextKeeper }) =>
        new ContextKeeper({
          pool: ledger,
          backfill,
          config: options.config,
          options: options.options,
          pin: options.pin,
        }),
    ));
  const embedder = new LazyEmbedder(options.embedder ?? null, openForSearch);
  const stats = new StatsBuffer(ledger, backfill);
  const shadowTimeoutMs = options.shadowTimeoutMs ?? DEFAULTS.shadowTimeoutMs;
  const concurrency = options.shadowConcurrency ?? DEFAULTS.shadowConcurrency;
  const shadow = new Shadow({ timeoutMs: shadowTimeoutMs, concurrency }, stats);
  let closed = false;

  const modelOf = async ({ run }: ReadState, settings: Settings): Promise<Embedder> => {
    if (run === null) throw noRun(backfill);
    return embedder.get(settings, run);
  };

  async function byVectors<T>(
    request: SearchRequest,
    present: ReadState,
    answer: (request: SearchRequest, embedder: Embedder) => Promise<T>,
  ): Promise<T> {
    const model = await modelOf(present, request.settings);
    request.signal?.throwIfAborted();
    try {
      return await answer(request, model);
    } catch (error) {
      const target = isNameMissing(error) ? await (await keeper()).renew(present, request.target) : null;
      if (target === null) throw error;
      return answer({ ...request, target }, model);
    }
  }

  async function canary(request: SearchRequest, present: ReadState): Promise<Omit<SearchResult, 'mode'>> {
    try {
      const hits = await byVectors(request, present, answerVector);
      stats.count('canaryVector');
      return { hits, answeredBy: 'vector', fallback: null };
    } catch (error) {
      request.signal?.throwIfAborted();
      stats.count('canaryErrors');
      stats.count('canaryLegacy');
      return {
        hits: await answerLegacy(request),
        answeredBy: 'legacy',
        fallback: codeOf(error) ?? 'UNEXPECTED',
      };
    }
  }

  async function legacy(request: SearchRequest, present: ReadState): Promise<Omit<SearchResult, 'mode'>> {
    const started = performance.now();
    const hits = await answerLegacy(request);
    const milliseconds = performance.now() - started;
    if (present.mode === 'canary') stats.count('canaryLegacy');
    if (present.mode === 'shadow')
      shadow.start(pool, { keys: hits.map(({ key }) => key), k: request.k, milliseconds }, async (signal) => {
        const beside = { ...request, signal, timeoutMs: shadowTimeoutMs };
        return (await byVectors(beside, present, answerVector)).map(({ key }) => key);
      });
    return { hits, answeredBy: 'legacy', fallback: null };
  }

  async function answer(text: string, asked: SearchOptions): Promise<SearchResult> {
    const started = performance.now();
    const k = checkedK(asked.k ?? DEFAULTS.k);
    const present = await state.get();
    try {
      const result = await answerBy(present, text, k, asked);
      stats.answered(present.mode, performance.now() - started);
      return result;
    } catch (error) {
      // Whoever no longer waits has not met an error.
      if (asked.signal?.aborted !== true) stats.answered(present.mode, null);
      throw error;
    }
  }

  async function requestOf(
    present: ReadState,
    text: string,
    k: number,
    { filter, signal }: SearchOptions,
  ): Promise<SearchRequest> {
    const { settings, target } = await (await keeper()).get(present);
    const chosen = chooseFilter(settings.search.filters, filter);
    return { pool, target, settings, read: present.read, text, k, filter: chosen, timeoutMs, known, signal };
  }

  async function embed(text: string, signal: AbortSignal | undefined): Promise<number[]> {
    const present = await state.get();
    const { settings } = await (await keeper()).get(present);
    return queryVector(await modelOf(present, settings), text, signal);
  }

  async function ready(): Promise<Readiness> {
    const present = await state.get();
    return reportReadiness(ledger, backfill, present.run?.fingerprint ?? '', async () => {
      const request = await requestOf(present, PROBE, 1, {});
      // Not every model knows a word of the probe; what it does is tried all the same.
      return byVectors(request, present, async (asked, model) => {
        await answerVector(asked, model).catch((error: unknown) => {
          if (codeOf(error) !== NOT_EMBEDDABLE) throw error;
        });
        return model;
      });
    });
  }

  async function answerBy(
    present: ReadState,
    text: string,
    k: number,
    asked: SearchOptions,
  ): Promise<SearchResult> {
    const { mode } = present;
    const request = await requestOf(present, text, k, asked);
    asked.signal?.throwIfAborted();
    if (mode === 'vector' || mode === 'hybrid') {
      const hits = await byVectors(request, present, mode === 'vector' ? answerVector : answerHybrid);
      return { hits, mode, answeredBy: mode, fallback: null };
    }
    const moved = mode === 'canary' && isInCanary(backfill, asked.key ?? text, present.percent ?? 0);
    return { mode, ...(await (moved ? canary(request, present) : legacy(request, present))) };
  }

  const unlessClosed = async <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    if (closed)
      throw new BackfillError('The search is closed.', {
        code: 'SEARCH_CLOSED',
        remedy: 'Ask it before close().',
      });
    return unlessAborted(work, signal);
  };

  return {
    search: (text, asked = {}) => unlessClosed(() => answer(text, asked), asked.signal),
    embed: (text, { signal } = {}) => unlessClosed(() => embed(text, signal), signal),
    ready: () => unlessClosed(ready),
    close: async () => {
      closed = true;
      await shadow.settled();
      await stats.handOver();
      await embedder.close();
    },
  };
}

function checkedK(k: number): number {
  if (Number.isInteger(k) && k >= 1 && k <= DEFAULTS.maxHits) return k;
  throw new ConfigError(`k must be a whole number from 1 to ${DEFAULTS.maxHits} (got ${String(k)}).`, {
    code: 'SEARCH_K',
    remedy: 'Ask for fewer hits.',
  });
}

const noRun = (backfill: string): ConfigError =>
  new ConfigError(`Backfill ${backfill} has no run: no row has a vector.`, {
    code: 'NO_RUN',
    remedy: 'Run `pgvector-backfill enqueue`, or `pgvector-backfill rollback --execute`.',
  });

/** Also below an error of ours, such as that of a filter. */
const isNameMissing = (error: unknown): boolean =>
  hasSqlState(error, SQLSTATE.objectMissing, SQLSTATE.functionMissing, SQLSTATE.schemaMissing) ||
  (error instanceof BackfillError && error.cause !== undefined && isNameMissing(error.cause));

/** The caller's wait ends with its signal, whatever the server is still at. */
async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work();
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
