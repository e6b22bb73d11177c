/** The library face: what a configuration file and an application import. */

import type { FileConfig } from './config/settings.ts';

export type { BackfillConfig, FileConfig } from './config/settings.ts';
export type { Embedder } from './embedding/embedder.ts';
export { BackfillError, ConfigError, GateError, TransientError } from './errors.ts';
export type { ReadMode } from './ledger/read-mode.ts';
export type { SearchHit } from './search/answers.ts';
export { createSearch } from './search/create-search.ts';
export type { CreateSearchOptions, Search, SearchOptions, SearchResult } from './search/create-search.ts';
export type { FilterChoice, FilterValue } from './search/filter.ts';

/** Types the default export of `backfill.config.ts`. */
export function defineConfig(config: FileConfig): FileConfig {
  return config;
}
