/** The models that `compare-models` is asked for; one that is trained is in a folder that goes with the verb. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Invocation } from '../../src/cli/command.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { Pool } from '../../src/db/pool.ts';
import { maskPolicy } from '../../src/embedding/open-embedder.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import { maskedTexts, sampledTexts } from '../../src/training/table-texts.ts';
import { DEFAULT_DIMENSIONS, DEFAULT_MIN_DOCUMENTS, DEFAULT_SEED } from '../../src/training/train.ts';
import { trainFrom } from '../../src/training/train-from.ts';
import type { Candidate } from '../../src/verify/compared-models/compare-models.ts';
import type { AskedItems } from '../../src/verify/compared-models/known-items.ts';
import {
  settingsOfModel,
  settingsOfTrained,
  type NamedModel,
} from '../../src/verify/compared-models/model-settings.ts';

export async function withCandidates<T>(
  { host, signal }: Pick<Invocation, 'host' | 'signal'>,
  named: readonly NamedModel[],
  train: (folder: string) => Promise<unknown>,
  work: (candidates: Candidate[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-'));
  const trained = join(folder, 'trained');
  let training: Promise<unknown> | null = null;
  try {
    return await work(
      named.map((model) => ({
        asked: model.asked,
        async settings(of) {
          if (model.kind !== 'trained') return settingsOfModel(of, model, host.cwd);
          await (training ??= train(trained));
          signal.throwIfAborted();
          return settingsOfTrained(of, trained, model);
        },
      })),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As `train-model` does without flags, on the texts that are compared: those of known items are without titles. */
export const trainOnAsked = (
  pool: Pool,
  { target, settings }: { target: AskedItems['target']; settings: Settings },
  out: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: OnProgress },
): Promise<unknown> =>
  trainFrom(maskedTexts(sampledTexts(pool, target), maskPolicy(settings)), {
    out,
    dimensions: DEFAULT_DIMENSIONS,
    minDocuments: DEFAULT_MIN_DOCUMENTS,
    seed: DEFAULT_SEED,
    signal,
    onProgress,
  });
