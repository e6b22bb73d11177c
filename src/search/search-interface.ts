/** What an application has of `createSearch`: its options, and what it gives back. */

import type { BackfillConfig } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import type { ReadMode } from '../ledger/reads/read-mode.ts';
import type { FilterChoice } from './queries/filter.ts';
import type { SearchHit } from './read-modes.ts';
import type { Readiness } from './state/readiness.ts';
import type { Clock } from './state/ttl-cache.ts';

export interface CreateSearchOptions {
  /** The application's own `pg.Pool`; also through a pooler in transaction mode. It is not closed here. */
  pool: Pool;
  /** Name of the backfill: the table's, where it was given none. */
  backfill: string;
  /** Configuration file with the backfill's options; without it they are those of the last `enqueue`. */
  config?: string;
  /** Options by their names in the configuration file, which win: such as `model.localPath` on this machine. */
  options?: BackfillConfig;
  /**
   * SQL, table, columns and model addresses from `config` and `options` alone, never from the ledger, whose writers could
   * otherwise have this role run SQL of theirs, or send its queries to an address of theirs. A run that was planned
   * for other rows, texts or columns is refused (`SEARCH_PINNED`) [false].
   */
  pin?: boolean;
  /** A model that is open already, or one for each generation; closed by whoever opened it. */
  embedder?: Embedder | readonly Embedder[];
  /** Longest statement of a search, ms [60000]. */
  timeoutMs?: number;
  /** Longest shadow search, model and database together, ms [2000]. */
  shadowTimeoutMs?: number;
  /** Shadow searches at a time in this process; what comes on top is skipped and counted [2]. */
  shadowConcurrency?: number;
  /** How long an answer in mode interleave waits for the slower of its two searches, once one of them has answered, ms from their beginning [2000]. */
  interleaveTimeoutMs?: number;
  /** For tests: where the age of the read mode is told from. */
  clock?: Clock;
}

export interface SearchOptions {
  /** Hits at most, 1 to 1000 [10]. */
  k?: number;
  /** Name of one of `search.filters`, or that with values of the search's own. */
  filter?: string | FilterChoice;
  /** What canary and interleave go by, such as the user: the same key always has the same search. The text where absent. */
  key?: string;
  /**
   * Whether `passage` of each hit comes with its text [false]: that of the row as it is now, so that between an edit and its sync
   * it may be other words than those that were found.
   */
  passageText?: boolean;
  /** The caller no longer waits. A statement under way ends by itself, by `timeoutMs` at the latest. */
  signal?: AbortSignal;
}

export interface SearchResult {
  hits: SearchHit[];
  /** The mode that was in force. */
  mode: ReadMode;
  /**
   * `interleaved`: by two searches in turn, whose hits have neither distance nor score, as those of one say nothing beside those of
   * the other.
   */
  answeredBy: 'legacy' | 'vector' | 'hybrid' | 'interleaved';
  /** Whose vectors answered, all of it; null where the legacy search did. Of an interleaved answer, the one that is tried. */
  generation: number | null;
  /**
   * Code of the error for which the generation that was to answer did not: the legacy search, or the generation before it, has
   * answered in its place. `MODEL_OPENING` while its model is being opened. In mode interleave, why one of both has answered alone
   * (`SEARCH_SLOW`: the other took too long). Else null.
   */
  fallback: string | null;
  /**
   * Of an interleaved answer, for `clicked`: which hit is whose, without a text or a key. It may be kept with the page that shows the hits, and
   * come back to any process; whoever has the hits as well can work out their sides from it.
   */
  interleaving?: string;
}

export interface Search {
  /**
   * @throws ConfigError where filter, k or options are wrong, or the model is not the rows'; GateError
   * (`QUERY_NOT_EMBEDDABLE`) in mode vector where the model knows no word of the text; what the database throws.
   */
  search(text: string, options?: SearchOptions): Promise<SearchResult>;
  /**
   * The query's vector as the rows' vectors want it: the model of the generation that answers, with the prefix of queries, masked
   * as the rows are. For SQL and ORMs: `JSON.stringify(vector)` is pgvector's own form, such as for $1 of `search_<table>`.
   * @throws as `search` in mode vector
   */
  embed(text: string, options?: Pick<SearchOptions, 'signal'>): Promise<number[]>;
  /**
   * Loads the model and searches by it once, whatever the read mode is, and reports to the ledger that this machine can, or
   * why it cannot; so with each generation that reads may be moved to. To be awaited when the application starts: `cutover` asks
   * for the reports.
   * @throws what stands in the way of the generation that answers, where no other answers in its place
   */
  ready(): Promise<Readiness>;
  /**
   * A hit of an interleaved answer was clicked, or whatever else says that it was the right one: a vote for the search that it came
   * from, which `status` and `verify` count. Once for each hit of an answer, in this process, for two days. Kept in memory and
   * handed to the ledger about once a second, also later where the server is away. Never throws.
   * @param result the answer, or `interleaving` of it; of any other answer nothing is counted
   * @param key of the hit
   * @returns whether it counts
   */
  clicked(result: Pick<SearchResult, 'interleaving'>, key: string): boolean;
  /** Waits for shadow searches (their time limit at most), hands over their counts, closes the models that were opened here. */
  close(): Promise<void>;
}
