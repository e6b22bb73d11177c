/** A model that an inference process cannot load, and what to look at. */

import { ConfigError } from '../../errors.ts';
import type { LoadRequest } from './messages.ts';

/**
 * The tokenizer's library loads sharp, which no text needs, and its old release takes its binaries from another host at
 * install time. Our own package.json names a newer one, but the overrides of a dependency do not count.
 */
const SHARP_OVERRIDE =
  'Add "overrides": { "sharp": "^0.35.0" } to the package.json of the application that has pgvector-backfill as a dependency, and install again; or have the application import pgvector-backfill-search, which takes no other package.';

export function loadError({ options, location }: LoadRequest, message: string, remedy?: string): ConfigError {
  return new ConfigError(`Model ${options.name} cannot be used: ${message}.`, {
    code: 'MODEL_UNUSABLE',
    remedy: /\bsharp\b/.test(message)
      ? SHARP_OVERRIDE
      : (remedy ??
        `Check the model files in ${location.folder} (\`pgvector-backfill model check\`) and the installation of onnxruntime-node.`),
  });
}
