/** Options that a model's own files may answer where nobody gives them. */

import type { OptionPath } from './options.ts';

export const USAGE_PATHS = [
  'model.pooling',
  'model.normalize',
  'model.maxTokens',
  'model.documentPrefix',
  'model.queryPrefix',
] as const satisfies readonly OptionPath[];
