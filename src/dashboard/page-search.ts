/** The search page's work: one query through both searches, with their SQL and plans, for those who may read rows. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { BackfillError, NoRunError, messageOf } from '../errors.ts';
import { latestRun } from '../ledger/run/run.ts';
import { followScope } from '../ledger/run/scope.ts';
import type { Logger } from '../observability/logger.ts';
import { compareSearches, type Comparison } from '../search/compare.ts';
import { explainSearches, type Explained } from '../search/explain.ts';
import { chooseFilter } from '../search/queries/filter.ts';
import { LazyEmbedder, openForSearch, type OpenEmbedder } from '../search/state/lazy-embedder.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';

export interface SearchQuery {
  text: string;
  k: number;
  /** Name of one of `search.filters`; empty for none. */
  filter: string;
}

export interface SearchAnswer extends Comparison {
  sql: { legacy: Explained; vector: Explained };
}

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
  readonly #embedder: LazyEmbedder;
  #running = 0;

  constructor(input: PageSearchInput) {
    this.#input = input;
    this.#embedder = new LazyEmbedder(null, input.open ?? openForSearch);
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

  close(): Promise<void> {
    return this.#embedder.close();
  }

  async #ask({ text, k, filter: name }: SearchQuery): Promise<SearchAnswer> {
    const { pool, backfill } = this.#input;
    const run = await latestRun(pool, backfill);
    if (run === null) throw new NoRunError(backfill);
    const settings = followScope(run, this.#input.settings);
    const filter = chooseFilter(settings.search.filters, name === '' ? undefined : name);
    const target = await describeTarget(pool, backfill, settings);
    const embedder = await this.#embedder.get(settings, run);
    const input = { pool, target, settings, embedder };
    const compared = await compareSearches(input, text, k, { filter });
    return { ...compared, sql: await explainSearches(input, text, k, filter) };
  }

  #troubleOf(error: unknown): string {
    if (error instanceof BackfillError) return `${error.message} ${error.remedy ?? ''}`.trim();
    this.#input.logger.error({ err: messageOf(error) }, 'dashboard: search');
    return 'The search failed; see the log of the dashboard.';
  }
}
