/** A search answered by the reads that are in force: by the legacy search, or by one generation, whole. */

import type { Pool } from '../db/pool.ts';
import { codeOf } from '../db/sqlstates.ts';
import { interleavedKey } from '../ledger/reads/interleaving.ts';
import type { ReadBase } from '../ledger/reads/read-mode.ts';
import {
  legacyState,
  unknownGeneration,
  type GenerationState,
  type ReadState,
} from '../ledger/reads/read-state.ts';
import { isInCanary } from './canary.ts';
import { withBestPassages } from './interleaving/best-passages.ts';
import { bothSearches } from './interleaving/both-searches.ts';
import { comparisonOf, interleave } from './interleaving/interleave.ts';
import { answerHybrid, answerLegacy, answerVector } from './read-modes.ts';
import { isOfGeneration, isOfModel, noRun, type Readers } from './readers.ts';
import type { SearchHit } from './read-modes.ts';
import type { SearchOptions, SearchResult } from './search-interface.ts';
import type { Shadow } from './shadow.ts';
import type { GenerationFaults } from './state/generation-faults.ts';
import type { QueryRecorder } from './state/query-recorder.ts';
import type { StatsBuffer } from './state/stats-buffer.ts';

export interface AnswerContext {
  pool: Pool;
  backfill: string;
  readers: Readers;
  stats: StatsBuffer;
  shadow: Shadow;
  shadowTimeoutMs: number;
  interleaveTimeoutMs: number;
  faults: GenerationFaults;
  recorder: QueryRecorder;
}

export interface Asked extends Omit<SearchOptions, 'k'> {
  text: string;
  k: number;
}

/** `fallback` of an answer whose other search took too long. */
const SLOW = 'SEARCH_SLOW';

type Answered = Omit<SearchResult, 'mode'>;
type ByVectors = Extract<ReadBase, { generation: number }>;

export class Answers {
  readonly #context: AnswerContext;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  async answer(present: ReadState, asked: Asked): Promise<SearchResult> {
    return { mode: present.mode, ...(await this.#answered(present, asked)) };
  }

  #answered(present: ReadState, asked: Asked): Promise<Answered> {
    const { mode, generation } = present;
    if (mode === 'legacy' || generation === null) return this.#legacy(present, asked);
    if (mode === 'shadow')
      return this.#shadowed(present, stateOf(present, generation, this.#context.backfill), asked);
    if (mode === 'canary') return this.#canary(present, generation, asked);
    if (mode === 'interleave') return this.#interleaved(present, generation, asked);
    return this.#preferred(present, { mode, generation }, asked, isOfGeneration);
  }

  /** All of one generation, whatever stands in the way. */
  async #alone(
    present: ReadState,
    { mode, generation }: ByVectors,
    asked: Asked,
    timeoutMs = Infinity,
  ): Promise<Answered> {
    const { readers, backfill, recorder } = this.#context;
    const state = stateOf(present, generation, backfill);
    const request = await readers.request(present, state, asked.text, asked.k, asked);
    asked.signal?.throwIfAborted();
    const hits = await readers.byVectors(
      present,
      state,
      {
        ...request,
        timeoutMs: Math.min(request.timeoutMs, timeoutMs),
        onVector: recorder.of(state, request.settings),
      },
      mode === 'hybrid' ? answerHybrid : answerVector,
    );
    return { hits, answeredBy: mode, generation, fallback: null };
  }

  async #legacy(present: ReadState, asked: Asked): Promise<Answered> {
    const { readers, backfill } = this.#context;
    const state = legacyState(present) ?? unknownGeneration(backfill);
    const request = await readers.request(present, state, asked.text, asked.k, asked);
    asked.signal?.throwIfAborted();
    return { hits: await answerLegacy(request), answeredBy: 'legacy', generation: null, fallback: null };
  }

  #byBase(present: ReadState, asked: Asked): Promise<Answered> {
    const { base } = present;
    return base.generation === null ? this.#legacy(present, asked) : this.#alone(present, base, asked);
  }

  /**
   * By that generation, or by the base where it cannot. Where the base is a generation whose model is open, nobody waits for
   * another model to be opened.
   */
  async #preferred(
    present: ReadState,
    wanted: ByVectors,
    asked: Asked,
    givesUp: (error: unknown) => boolean,
  ): Promise<Answered> {
    const { readers, backfill, faults } = this.#context;
    const find = (number: number | null): GenerationState | undefined =>
      present.generations.find(({ generation }) => generation === number);
    const [state, base] = [find(wanted.generation), find(present.base.generation)];
    if (state === undefined) {
      if (base === undefined) throw noRun(backfill);
      return { ...(await this.#byBase(present, asked)), fallback: 'GENERATION_UNKNOWN' };
    }
    if (base !== undefined && !readers.isOpen(state)) {
      const fault = readers.faultOf(state);
      if (fault !== null) {
        faults.note(state, base, fault.error);
        return { ...(await this.#byBase(present, asked)), fallback: codeOf(fault.error) ?? 'UNEXPECTED' };
      }
      if (readers.isOpen(base)) return { ...(await this.#byBase(present, asked)), fallback: 'MODEL_OPENING' };
    }
    try {
      return await this.#alone(present, wanted, asked);
    } catch (error) {
      asked.signal?.throwIfAborted();
      const isBased = base !== undefined || present.mode === 'canary';
      if (!isBased || !givesUp(error)) throw error;
      if (base !== undefined && isOfModel(error)) readers.tried(state, error);
      if (base !== undefined && isOfGeneration(error)) faults.note(state, base, error);
      return { ...(await this.#byBase(present, asked)), fallback: codeOf(error) ?? 'UNEXPECTED' };
    }
  }

  async #canary(present: ReadState, generation: number, asked: Asked): Promise<Answered> {
    const { stats, backfill } = this.#context;
    const { name } = stateOf(present, generation, backfill);
    if (!isInCanary(name, asked.key ?? asked.text, present.percent ?? 0)) {
      const answered = await this.#byBase(present, asked);
      stats.count(name, 'canaryLegacy');
      return answered;
    }
    const mode = present.base.mode === 'hybrid' ? 'hybrid' : 'vector';
    const answered = await this.#preferred(present, { mode, generation }, asked, () => true);
    stats.count(name, answered.fallback === null ? 'canaryVector' : 'canaryLegacy');
    if (answered.fallback !== null && answered.fallback !== 'MODEL_OPENING')
      stats.count(name, 'canaryErrors');
    return answered;
  }

  /** For its share of the keys by what answered before and by what is tried, in turn; by one of them where the other does not answer. */
  async #interleaved(present: ReadState, generation: number, asked: Asked): Promise<Answered> {
    const { readers, backfill, stats, faults, interleaveTimeoutMs } = this.#context;
    const state = stateOf(present, generation, backfill);
    if (!isInCanary(state.name, asked.key ?? asked.text, present.percent ?? 0))
      return this.#byBase(present, asked);
    if (!readers.isOpen(state)) {
      const fault = readers.faultOf(state);
      readers.openBeside(present, state);
      const fallback = fault === null ? 'MODEL_OPENING' : (codeOf(fault.error) ?? 'UNEXPECTED');
      return { ...(await this.#byBase(present, asked)), fallback };
    }
    const limit = new AbortController();
    const signal = AbortSignal.any([limit.signal, ...(asked.signal === undefined ? [] : [asked.signal])]);
    const mode = present.base.mode === 'hybrid' ? 'hybrid' : 'vector';
    const { base, own } = await bothSearches(
      this.#byBase(present, asked),
      this.#alone(present, { mode, generation }, { ...asked, signal }, interleaveTimeoutMs),
      interleaveTimeoutMs,
    );
    if (own === null) limit.abort();
    asked.signal?.throwIfAborted();
    const of = comparisonOf(present, state);
    const ofBase = present.generations.find((each) => each.generation === present.base.generation);
    if (base?.status === 'fulfilled' && own?.status === 'fulfilled') {
      const answer = interleave({ base: base.value.hits, own: own.value.hits }, { ...asked, ...of });
      stats.interleaved(state.name, interleavedKey(of), { [answer.counts]: 1 });
      const hits = await this.#withPassages(present, [state, ofBase], answer.hits, asked);
      return { hits, answeredBy: 'interleaved', generation, fallback: null, ...answer.credit };
    }
    const [answered, other] = base?.status === 'fulfilled' ? [base, own] : [own, base];
    if (answered?.status !== 'fulfilled') throw (base as PromiseRejectedResult).reason;
    stats.interleaved(state.name, interleavedKey(of), { failed: 1 });
    if (other === null) return { ...answered.value, fallback: SLOW };
    const { reason } = other as PromiseRejectedResult;
    if (other === own && isOfModel(reason) && ofBase !== undefined) readers.tried(state, reason);
    if (other === own && isOfGeneration(reason) && ofBase !== undefined) faults.note(state, ofBase, reason);
    return { ...answered.value, fallback: codeOf(reason) ?? 'UNEXPECTED' };
  }

  /** By the first of them that has passages; without those that are missing where that fails. */
  async #withPassages(
    present: ReadState,
    states: readonly (GenerationState | undefined)[],
    hits: SearchHit[],
    asked: Asked,
  ): Promise<SearchHit[]> {
    const { readers, interleaveTimeoutMs } = this.#context;
    for (const state of states) {
      if (state === undefined) continue;
      const request = await readers.request(present, state, asked.text, asked.k, asked);
      if (!request.target.hasPassages) continue;
      const beside = { ...request, timeoutMs: Math.min(request.timeoutMs, interleaveTimeoutMs) };
      return readers
        .byVectors(present, state, beside, (own, model) => withBestPassages(own, model, hits))
        .catch(() => hits);
    }
    return hits;
  }

  async #shadowed(present: ReadState, state: GenerationState, asked: Asked): Promise<Answered> {
    const { pool, readers, shadow, shadowTimeoutMs, stats } = this.#context;
    const started = performance.now();
    const answered = await this.#byBase(present, asked);
    const milliseconds = performance.now() - started;
    if (present.base.generation !== null && !readers.isOpen(state)) {
      stats.count(state.name, 'skipped');
      return answered;
    }
    const keys = answered.hits.map(({ key }) => key);
    shadow.start(pool, { name: state.name, keys, k: asked.k, milliseconds }, async (signal) => {
      const request = await readers.request(present, state, asked.text, asked.k, {
        ...asked,
        passageText: false,
        signal,
      });
      const beside = { ...request, timeoutMs: shadowTimeoutMs };
      const answer = present.base.mode === 'hybrid' ? answerHybrid : answerVector;
      return (await readers.byVectors(present, state, beside, answer)).map(({ key }) => key);
    });
    return answered;
  }
}

/** @throws ConfigError where the ledger does not have it */
function stateOf(present: ReadState, generation: number, backfill: string): GenerationState {
  const found = present.generations.find((each) => each.generation === generation);
  if (found === undefined) throw noRun(backfill);
  return found;
}
