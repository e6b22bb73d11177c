/** The search face: what an application needs to ask, and nothing of what fills, proves or shows. */

export type { BackfillConfig } from './config/settings.ts';
export type { Embedder } from './embedding/embedder.ts';
export { BackfillError, ConfigError, GateError, TransientError } from './errors.ts';
export type { ReadMode } from './ledger/reads/read-mode.ts';
export type { SearchHit } from './search/read-modes.ts';
export { createSearch } from './search/create-search.ts';
export type { CreateSearchOptions, Search, SearchOptions, SearchResult } from './search/search-interface.ts';
export type { FoundPassage } from './search/queries/vector-query.ts';
export type { FilterChoice, FilterValue } from './search/queries/filter.ts';
export type { GenerationReadiness, Readiness } from './search/state/readiness.ts';
