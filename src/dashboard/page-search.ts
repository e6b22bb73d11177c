/** The search page's work: one query through both searches, with their SQL and plans, for those who may read rows. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { BackfillError, NoRunError, messageOf } from '../errors.ts';
import { usualGeneration } from '../ledger/generation/choose.ts';
import { presentGenerations, type Generation } from '../ledger/generation/generation.ts';
import { modelCandidates } from '../ledger/generation/settings.ts';
import { readModeOf } from '../ledger/reads/read-mode.ts';
import { followScope } from '../ledger/run/scope.ts';
import type { Logger } from '../observability/logger.ts';
import { compareSearches, type Comparison } from '../search/compare.ts';
import { explainSearches, type Explained } from '../search/explain.ts';
import { chooseFilter } from '../search/queries/filter.ts';
import { GenerationModel } from '../search/state/generation-model.ts';
import { openForSearch, type OpenEmbedder } from '../search/state/lazy-embedder.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';

export interface SearchQuery {
  text: string;
  k: number;
  /** Name of one of `search.filters`; empty for none. */
  filter: string;
}

export interface SearchAnswer extends Comparison {
  sql: { legacy: Explained; vector: Explained };
  /** Whose vectors have answered, where there are several: the generation by which reads go, or the newest. */
  generation?: number;
  others?: readonly OtherGeneration[];
}

/** Another generation on the same query, by its own model; or why it has no answer. */
export type OtherGeneration = { generation: number } & (
  | (Pick<Comparison, 'vector' | 'vectorMs' | 'embeddingMs'> & { sql: Explained })
  | { trouble: string }
);

/** An answer, or what to tell the operator. */
export type SearchResult = { answer: SearchAnswer } | { trouble: string };

export interface PageSearchInput {
  pool: Pool;
  backfill: string;
  settings: Settings;
  logger: Logger;
  open?: OpenEmbedder;
}

/** At once: each costs the model and the legacy table a search. */
const MAX_AT_ONCE = 2;

export class PageSearch {
  readonly #input: PageSearchInput;
  /** By the names of the generations in the ledger. */
  readonly #models = new Map<string, GenerationModel>();
  #running = 0;

  constructor(input: PageSearchInput) {
    this.#input = input;
  }

  async ask(query: SearchQuery): Promise<SearchResult> {
    if (this.#running >= MAX_AT_ONCE) return { trouble: 'Other searches are under way; try again.' };
    this.#running++;
    try {
      return { answer: await this.#ask(query) };
    } catch (error) {
      return { trouble: this.#troubleOf(error) };
    } finally {
      this.#running--;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#models.values()].map((each) => each.close()));
    this.#models.clear();
  }

  async #ask(query: SearchQuery): Promise<SearchAnswer> {
    const { pool, backfill } = this.#input;
    const planned = (await presentGenerations(pool, backfill)).filter(isPlanned);
    this.#closeAllBut(planned);
    const usual = usualGeneration(await readModeOf(pool, backfill), planned);
    if (usual === undefined) throw new NoRunError(backfill);
    const isOnly = planned.length === 1 && usual.generation === 1;
    const answer = await this.#compare(usual, isOnly, query, true);
    if (isOnly) return answer;
    const others: OtherGeneration[] = [];
    for (const generation of planned)
      if (generation !== usual) others.push(await this.#other(generation, query));
    return { ...answer, generation: usual.generation, others };
  }

  async #compare(
    generation: PlannedGeneration,
    isOnly: boolean,
    { text, k, filter: name }: SearchQuery,
    withLegacy: boolean,
  ): Promise<SearchAnswer> {
    const { pool, settings: configured } = this.#input;
    const { run } = generation;
    const candidates = isOnly ? [configured] : modelCandidates(configured, generation);
    const models = candidates.map((each) => followScope(run, each));
    const [settings] = models as [Settings];
    const filter = chooseFilter(settings.search.filters, name === '' ? undefined : name);
    const target = await describeTarget(pool, generation.name, settings);
    const embedder = await this.#modelOf(generation.name).get(models, run, isOnly);
    const input = { pool, target, settings, embedder };
    const compared = await compareSearches(input, text, k, { filter, withLegacy, passageText: true });
    return { ...compared, sql: await explainSearches(input, text, k, filter) };
  }

  /** What is wrong with one generation takes nothing of the others along. */
  async #other(of: PlannedGeneration, query: SearchQuery): Promise<OtherGeneration> {
    const { generation } = of;
    try {
      const { vector, vectorMs, embeddingMs, sql } = await this.#compare(of, false, query, false);
      return { generation, vector, vectorMs, embeddingMs, sql: sql.vector };
    } catch (error) {
      return { generation, trouble: this.#troubleOf(error) };
    }
  }

  #modelOf(name: string): GenerationModel {
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    const model = new GenerationModel([], this.#input.open ?? openForSearch);
    this.#models.set(name, model);
    return model;
  }

  /** The model of a generation that was dropped goes with it. */
  #closeAllBut(present: readonly PlannedGeneration[]): void {
    for (const [name, model] of this.#models)
      if (!present.some((each) => each.name === name)) {
        this.#models.delete(name);
        void model.close().catch(() => {});
      }
  }

  #troubleOf(error: unknown): string {
    if (error instanceof BackfillError) return `${error.message} ${error.remedy ?? ''}`.trim();
    this.#input.logger.error({ err: messageOf(error) }, 'dashboard: search');
    return 'The search failed; see the log of the dashboard.';
  }
}

type PlannedGeneration = Generation & { run: NonNullable<Generation['run']> };
const isPlanned = (generation: Generation): generation is PlannedGeneration => generation.run !== null;
