/** Whether the model as it is configured here is still the one that the vectors were made with. */

import type { Settings } from '../config/settings.ts';
import type { UsedValue } from '../config/usage-paths.ts';
import { modelDifference, modelFacts, presentFingerprint, type ModelFacts } from './open-embedder.ts';
import { usageOf } from './usage/usage.ts';
import { messageOf } from '../errors.ts';

export interface ModelDrift {
  /** Null where it cannot be told here. */
  drift: boolean | null;
  detail: string;
  /** By the settings that it is used with here. */
  usage: UsedValue[];
}

/** Reads the model's files, as their checksum is a part of the fingerprint. */
export async function modelDrift(
  settings: Settings,
  model: { dimensions: number; fingerprint: string; embedding: ModelFacts },
): Promise<ModelDrift> {
  const usage = usageOf(settings);
  const difference = modelDifference(model.embedding, modelFacts(settings));
  try {
    const present = await presentFingerprint(settings, model.dimensions);
    if (present === model.fingerprint) return { drift: false, detail: 'as configured', usage };
    return {
      drift: true,
      detail: `the configuration is another: ${difference ?? 'the model files are others'}; \`pgvector-backfill enqueue\` embeds every row again`,
      usage,
    };
  } catch (error) {
    if (difference !== null)
      return { drift: true, detail: `the configuration is another: ${difference}`, usage };
    return {
      drift: null,
      detail: `not compared, as the model files are not here (${messageOf(error)})`,
      usage,
    };
  }
}
