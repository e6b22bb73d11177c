/** Options that a model's own files may answer where nobody gives them, and what is told of each. */

import type { OptionPath } from './options.ts';

export const USAGE_PATHS = [
  'model.pooling',
  'model.normalize',
  'model.maxTokens',
  'model.documentPrefix',
  'model.queryPrefix',
] as const satisfies readonly OptionPath[];

export interface UsedValue {
  path: OptionPath;
  /** An empty prefix is none. */
  value: string | number | boolean;
  source: 'given' | 'files' | 'table' | 'default';
  /** The file, or the page that says so; null where the operator or nobody has said it. */
  where: string | null;
  /** What the files or the table say, where that is something else. */
  stated: { value: string | number | boolean; where: string } | null;
}
