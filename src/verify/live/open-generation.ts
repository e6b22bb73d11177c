/** Another generation of the backfill, as its own searches are run: its column and index, its settings, its model. */

import { backfillOf } from '../../config/values/generation-name.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { messageOf } from '../../errors.ts';
import { loadFusion } from '../../ledger/reads/fusion.ts';
import { loadReadSettings } from '../../ledger/reads/read-settings.ts';
import { latestRun, type Run } from '../../ledger/run/run.ts';
import { targetOfRun } from '../../ledger/run/run-target.ts';
import { LegacyTries } from '../../search/queries/legacy-fault.ts';
import type { VerifyInput } from '../input.ts';
import type { SearchContext } from '../measures/systems.ts';
import type { ComparedGeneration } from './compared-generation.ts';

export interface OpenedGeneration extends ComparedGeneration {
  run: Run;
  context: SearchContext;
  embedder: Embedder;
}

export type Opening = { opened: OpenedGeneration } | { leftOut: string };

/** Says why not, instead of failing: the gate is about the other generation. */
export async function openCompared(
  { pool, openGeneration }: Pick<VerifyInput, 'pool' | 'openGeneration'>,
  compared: ComparedGeneration,
): Promise<Opening> {
  const { name } = compared.generation;
  if (openGeneration === undefined) return { leftOut: 'its model was not asked for' };
  const run = await latestRun(pool, name);
  if (run === null) return { leftOut: 'it has no run' };
  let embedder: Embedder | null = null;
  try {
    const { settings: own, openEmbedder } = await openGeneration(compared.generation);
    const { target, settings } = await targetOfRun(pool, run, own);
    embedder = await openEmbedder();
    const read = await loadReadSettings(pool, name);
    const fusion = await loadFusion(pool, name);
    const context: SearchContext = { pool, target, settings, read, fusion, tries: new LegacyTries() };
    if (embedder.fingerprint === run.fingerprint) return { opened: { ...compared, run, context, embedder } };
    await embedder.close();
    return {
      leftOut: `the model ${settings.model.name} here is another than the one that its vectors of ${backfillOf(name)} were made with`,
    };
  } catch (error) {
    await embedder?.close();
    return { leftOut: messageOf(error) };
  }
}
