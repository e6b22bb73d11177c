/** The search that an application imports: answered by the reads that PostgreSQL holds at that moment. */

import { configuredQueries } from '../db/transaction.ts';
import { BackfillError, ConfigError } from '../errors.ts';
import { codeOf } from '../db/sqlstates.ts';
import { generationName } from '../config/values/generation-name.ts';
import {
  answeringState,
  isReady,
  loadReadState,
  readStates,
  unknownGeneration,
  type GenerationState,
  type ReadState,
} from '../ledger/reads/read-state.ts';
import { readsVectors } from '../ledger/reads/read-mode.ts';
import { Answers } from './answer.ts';
import { Clicks } from './interleaving/clicks.ts';
import { answerVector } from './read-modes.ts';
import { Readers } from './readers.ts';
import type { CreateSearchOptions, Search, SearchOptions, SearchResult } from './search-interface.ts';
import { NOT_EMBEDDABLE, queryVector } from './queries/query-vector.ts';
import { GenerationFaults } from './state/generation-faults.ts';
import { readinessOf, tryGeneration, type Readiness, type TriedGeneration } from './state/readiness.ts';
import { Shadow } from './shadow.ts';
import { QueryRecorder } from './state/query-recorder.ts';
import { StatsBuffer } from './state/stats-buffer.ts';
import { TtlCache, MONOTONIC } from './state/ttl-cache.ts';

/** Oldest read mode that a search goes by, ms. */
const READ_MODE_BOUND_MS = 1000;
/** With the look at the ledger itself: a change of the mode is seen by every search that begins so much later. */
export const READ_MODE_SEEN_SECONDS = 2;

/** A text that takes part in no search. */
const PROBE = 'is this machine ready';

const DEFAULTS = {
  k: 10,
  maxHits: 1000,
  timeoutMs: 60_000,
  shadowTimeoutMs: 2000,
  shadowConcurrency: 2,
  interleaveTimeoutMs: 2000,
};

/** Opens nothing until the first search, and keeps no process alive that has nothing else to do. */
export function createSearch(options: CreateSearchOptions): Search {
  const { pool, backfill, timeoutMs = DEFAULTS.timeoutMs } = options;
  const ledger = configuredQueries(pool);
  const clock = options.clock ?? MONOTONIC;
  const state = new TtlCache(() => loadReadState(ledger, backfill), READ_MODE_BOUND_MS, clock);
  const readers = new Readers({ pool, ledger, options, clock, timeoutMs, prove });
  const stats = new StatsBuffer(ledger);
  const shadowTimeoutMs = options.shadowTimeoutMs ?? DEFAULTS.shadowTimeoutMs;
  const concurrency = options.shadowConcurrency ?? DEFAULTS.shadowConcurrency;
  const shadow = new Shadow({ timeoutMs: shadowTimeoutMs, concurrency }, stats);
  const faults = new GenerationFaults(ledger, backfill);
  const recorder = new QueryRecorder(ledger, clock);
  const interleaveTimeoutMs = options.interleaveTimeoutMs ?? DEFAULTS.interleaveTimeoutMs;
  const clicks = new Clicks(backfill, stats);
  const answers = new Answers({
    pool,
    backfill,
    readers,
    stats,
    shadow,
    shadowTimeoutMs,
    interleaveTimeoutMs,
    faults,
    recorder,
  });
  let closed = false;

  const look = async (): Promise<ReadState> => {
    const present = await state.get();
    readers.follow(present);
    return present;
  };

  async function answer(text: string, asked: SearchOptions): Promise<SearchResult> {
    const started = performance.now();
    const k = checkedK(asked.k ?? DEFAULTS.k);
    const present = await look();
    try {
      const result = await answers.answer(present, { ...asked, text, k });
      const of =
        result.generation === null ? backfill : generationName({ backfill, generation: result.generation });
      stats.answered(of, present.mode, performance.now() - started);
      return result;
    } catch (error) {
      // Whoever no longer waits has not met an error.
      if (asked.signal?.aborted !== true) stats.answered(askedName(present, backfill), present.mode, null);
      throw error;
    }
  }

  async function embed(text: string, signal: AbortSignal | undefined): Promise<number[]> {
    const present = await look();
    const wanted = answeringState(present) ?? unknownGeneration(backfill);
    return queryVector(await readers.embedder(present, wanted), text, signal);
  }

  /** Loads the model and searches by it once; reported, and never thrown. */
  async function prove(present: ReadState, wanted: GenerationState): Promise<TriedGeneration> {
    const tried = await tryGeneration(ledger, wanted, async () => {
      const request = await readers.request(present, wanted, PROBE, 1, {});
      // Not every model knows a word of the probe; what it does is tried all the same.
      return readers.byVectors(present, wanted, request, async (asked, model) => {
        await answerVector(asked, model).catch((error: unknown) => {
          if (codeOf(error) !== NOT_EMBEDDABLE) throw error;
        });
        return model;
      });
    });
    readers.tried(wanted, tried.fault === null ? null : tried.error);
    return tried;
  }

  async function ready(): Promise<Readiness> {
    const present = await state.get();
    const answering = answeringState(present) ?? unknownGeneration(backfill);
    const used = readStates(present);
    const others = present.generations.filter((each) => isReady(each) || used.includes(each));
    const tried: TriedGeneration[] = [];
    for (const each of new Set([answering, ...others])) tried.push(await prove(present, each));
    return readinessOf(tried, readsVectors(present) ? present.base.generation : null);
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
    clicked: ({ interleaving }, key) => !closed && clicks.clicked(interleaving, key),
    close: async () => {
      closed = true;
      await shadow.settled();
      await faults.settled();
      await stats.handOver();
      await recorder.settled();
      await readers.close();
    },
  };
}

/** In the ledger, of the generation by whose vectors a search was to be answered; of the backfill where the legacy one was. */
const askedName = (present: ReadState, backfill: string): string =>
  readsVectors(present) || present.base.generation !== null
    ? (answeringState(present)?.name ?? backfill)
    : backfill;

function checkedK(k: number): number {
  if (Number.isInteger(k) && k >= 1 && k <= DEFAULTS.maxHits) return k;
  throw new ConfigError(`k must be a whole number from 1 to ${DEFAULTS.maxHits} (got ${String(k)}).`, {
    code: 'SEARCH_K',
    remedy: 'Ask for fewer hits.',
  });
}

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
