/** The library face: what a configuration file and an application import. */

import type { FileConfig } from './config/settings.ts';

export type { FileConfig } from './config/settings.ts';
export * from './search.ts';

/** Types the default export of `backfill.config.ts`. */
export function defineConfig(config: FileConfig): FileConfig {
  return config;
}
