/** The generations of a backfill as one process reads them: options, table and model of each, opened before they are needed. */

import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { BackfillError, ConfigError } from '../errors.ts';
import type { GenerationState, ReadState } from '../ledger/reads/read-state.ts';
import { backfillOf } from '../config/values/generation-name.ts';
import type { SearchRequest } from './read-modes.ts';
import type { CreateSearchOptions, SearchOptions } from './search-interface.ts';
import { chooseFilter } from './queries/filter.ts';
import { FilterRowCounts } from './queries/filter-row-counts.ts';
import type { BackfillContext, ContextKeeper } from './state/backfill-context.ts';
import { GenerationModel } from './state/generation-model.ts';
import { openForSearch } from './state/lazy-embedder.ts';
import { ModelUse } from './state/model-use.ts';
import { RetryTimes, type Failure } from './state/retry-times.ts';
import type { Clock } from './state/ttl-cache.ts';

export type Answer<T> = (request: SearchRequest, embedder: Embedder) => Promise<T>;

export interface ReadersInput {
  pool: Pool;
  /** The same, for the ledger. */
  ledger: Queryable;
  options: CreateSearchOptions;
  clock: Clock;
  timeoutMs: number;
  /** Tries whether a generation can be searched here, and reports it. Never throws. */
  prove: (present: ReadState, state: GenerationState) => Promise<unknown>;
}

export class Readers {
  readonly #input: ReadersInput;
  readonly #known: FilterRowCounts;
  readonly #given: readonly Embedder[];
  readonly #models = new Map<string, GenerationModel>();
  readonly #use: ModelUse;
  readonly #retries: RetryTimes;
  /** Loaded with the first search: to read options takes more than all the rest that an application imports at its start. */
  #keeper: Promise<ContextKeeper> | null = null;
  #warming: Promise<void> | null = null;
  /** Name and run of what could be searched by. */
  readonly #proven = new Set<string>();
  #hasOpened = false;
  #isClosed = false;

  constructor(input: ReadersInput) {
    this.#input = input;
    this.#known = new FilterRowCounts(input.clock);
    this.#given = [input.options.embedder ?? []].flat();
    this.#use = new ModelUse(input.clock);
    this.#retries = new RetryTimes(input.clock);
  }

  async request(
    present: ReadState,
    state: GenerationState,
    text: string,
    k: number,
    { filter, signal, passageText }: SearchOptions,
  ): Promise<SearchRequest> {
    const { pool, timeoutMs } = this.#input;
    const { settings, target } = await this.#context(present, state);
    const chosen = chooseFilter(settings.search.filters, filter);
    return {
      pool,
      target,
      settings,
      read: state.read,
      fusion: state.fusion,
      text,
      k,
      filter: chosen,
      timeoutMs,
      passageText,
      known: this.#known,
      signal,
    };
  }

  async embedder(present: ReadState, state: GenerationState): Promise<Embedder> {
    this.#hasOpened = true;
    this.#use.touch(state.name);
    const { models } = await this.#context(present, state);
    try {
      if (state.run === null) throw noRun(state.name);
      return await this.#modelOf(state).get(models, state.run, !present.hasMore);
    } catch (error) {
      throw markOfModel(error);
    }
  }

  async byVectors<T>(
    present: ReadState,
    state: GenerationState,
    request: SearchRequest,
    answer: Answer<T>,
  ): Promise<T> {
    const model = this.#watched(await this.embedder(present, state));
    request.signal?.throwIfAborted();
    try {
      return await answer(request, model);
    } catch (error) {
      const target = isNameMissing(error)
        ? await (await this.#contexts()).renew(present, state, request.target)
        : null;
      if (target === null) throw error;
      return answer({ ...request, target }, model);
    }
  }

  /** Whether a search by it would wait for no model, and its last one has not failed by it. */
  isOpen({ name, run }: GenerationState): boolean {
    return (
      run !== null &&
      this.#retries.faultOf(name) === null &&
      (this.#models.get(name)?.isOpen(run) ??
        this.#given.some((each) => each.fingerprint === run.fingerprint))
    );
  }

  /** Why it cannot be searched here; searches are not to wait for another try, which is made beside them when it is due. */
  faultOf({ name }: GenerationState): Failure | null {
    return this.#retries.faultOf(name);
  }

  /** It was tried. @param error null where it could be searched by */
  tried({ name, run }: GenerationState, error: unknown): void {
    if (error === null) {
      this.#retries.succeeded(name);
      this.#proven.add(`${name} ${run?.id ?? ''}`);
    } else if (this.#retries.isDue(name)) this.#retries.failed(name, error);
  }

  /**
   * Opens models that reads go by, or will, one at a time beside the searches, and closes those that none goes by any more.
   * Returns at once.
   */
  follow(present: ReadState): void {
    if (this.#isClosed) return;
    const { names, warm } = this.#use.of(present, this.#hasOpened);
    const open = [...this.#models.keys()];
    for (const name of this.#use.spare(present, names, open)) this.#letGo(name);
    // Also one that a search has opened: the ledger is to hear of each.
    const isWarm = (state: GenerationState): boolean =>
      this.isOpen(state) && this.#proven.has(`${state.name} ${state.run?.id ?? ''}`);
    const next = warm.find((state) => !isWarm(state) && this.#retries.isDue(state.name));
    if (next !== undefined) this.openBeside(present, next);
  }

  /** Opens its model beside the searches, unless one is being opened or it has failed a moment ago. Returns at once. */
  openBeside(present: ReadState, state: GenerationState): void {
    if (this.#isClosed || this.#warming !== null || !this.#retries.isDue(state.name)) return;
    this.#warming = this.#warm(present, state);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#warming;
    await Promise.all([...this.#models.values()].map((model) => model.close()));
  }

  async #context(present: ReadState, state: GenerationState): Promise<BackfillContext> {
    const contexts = await this.#contexts();
    try {
      return await contexts.get(present, state);
    } catch (error) {
      throw error instanceof BackfillError ? markOfModel(error) : error;
    }
  }

  #contexts(): Promise<ContextKeeper> {
    const { backfill, config, options, pin } = this.#input.options;
    return (this.#keeper ??= import('./state/backfill-context.ts').then(
      ({ ContextKeeper }) => new ContextKeeper({ pool: this.#input.ledger, backfill, config, options, pin }),
    ));
  }

  async #warm(present: ReadState, state: GenerationState): Promise<void> {
    await this.#input.prove(present, state);
    this.#warming = null;
  }

  #letGo(name: string): void {
    const model = this.#models.get(name);
    this.#models.delete(name);
    model?.close().catch(() => {});
  }

  #modelOf({ name }: GenerationState): GenerationModel {
    const model = this.#models.get(name) ?? new GenerationModel(this.#given, openForSearch);
    this.#models.set(name, model);
    return model;
  }

  /** What its `embed` throws is told from what the database throws. */
  #watched(embedder: Embedder): Embedder {
    return Object.assign(Object.create(embedder) as Embedder, {
      embed: async (...asked: Parameters<Embedder['embed']>) => {
        try {
          return await embedder.embed(...asked);
        } catch (error) {
          throw markOfModel(error);
        }
      },
    });
  }
}

const ofModel = new WeakSet<Error>();

function markOfModel(error: unknown): unknown {
  if (error instanceof Error) ofModel.add(error);
  return error;
}

/** Its options are not the application's, its model could not be opened, or threw. */
export const isOfModel = (error: unknown): boolean => error instanceof Error && ofModel.has(error);

/**
 * The generation cannot answer here, or not any more, whatever is asked of it: its model, what it has on the table, or options
 * that an application has pinned.
 */
export const isOfGeneration = (error: unknown): boolean =>
  isOfModel(error) || isNameMissing(error) || hasSqlState(error, SQLSTATE.columnMissing, SQLSTATE.privilege);

/** Also below an error of ours, such as that of a filter. */
const isNameMissing = (error: unknown): boolean =>
  hasSqlState(error, SQLSTATE.objectMissing, SQLSTATE.functionMissing, SQLSTATE.schemaMissing) ||
  (error instanceof BackfillError && error.cause !== undefined && isNameMissing(error.cause));

export const noRun = (name: string): ConfigError =>
  new ConfigError(`Backfill ${backfillOf(name)} has no run: no row has a vector.`, {
    code: 'NO_RUN',
    remedy: 'Run `pgvector-backfill enqueue`, or `pgvector-backfill rollback --execute`.',
  });
