/** The types that follow from the option table. */

import type { OPTIONS } from './options.ts';

export type OptionName = keyof typeof OPTIONS;
type ValueOf<O> = O extends { schema: { _zod: { output: infer T } } } ? T : never;

/** Every option of one backfill, resolved and frozen. */
export type Settings = { readonly [K in OptionName]: ValueOf<(typeof OPTIONS)[K]> };

type Nested<P extends string, T> = P extends `${infer Head}.${infer Rest}`
  ? { [K in Head]?: Nested<Rest, T> }
  : { [K in P]?: T };
type Merge<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void ? I : never;
type FileOf<S extends 'global' | 'backfill'> = Merge<
  {
    [K in OptionName]: (typeof OPTIONS)[K]['path'] extends GlobalPath
      ? S extends 'global'
        ? Nested<(typeof OPTIONS)[K]['path'], ValueOf<(typeof OPTIONS)[K]>>
        : never
      : S extends 'backfill'
        ? Nested<(typeof OPTIONS)[K]['path'], ValueOf<(typeof OPTIONS)[K]>>
        : never;
  }[OptionName]
>;
type GlobalPath =
  | 'database'
  | 'directDatabase'
  | 'queue'
  | 'logLevel'
  | `${'dashboard' | 'metrics' | 'health'}.${string}`;

/** The options of one backfill, as they stand in the configuration file. */
export type BackfillConfig = FileOf<'backfill'>;

/** What `backfill.config.{ts,js,json}` holds. */
export type FileConfig = FileOf<'global'> & { backfills: Record<string, BackfillConfig> };
