/** The types that follow from the option table. */

import type { OptionShape } from './options.ts';
import type { Given, Values } from './shape.ts';

/** Every option, resolved and frozen, in the shape of the configuration file without `backfills.<name>`. */
export interface Settings extends Values<OptionShape> {}

/** What one place says of them: a file, a ledger, an application. */
export type SomeSettings = Given<OptionShape, 'global' | 'backfill'>;

/** The options of one backfill, as they stand in the configuration file. */
export type BackfillConfig = Given<OptionShape, 'backfill'>;

type Globals = Given<OptionShape, 'global'>;

/** What `backfill.config.{ts,js,json}` holds. */
export type FileConfig = Omit<Globals, 'database'> & {
  /** The URL alone, or with that of a way past a pooler. */
  database?: string | Globals['database'];
  backfills: Record<string, BackfillConfig>;
};
