/** Settings of a generation, with its model as it lies on this machine. */

import type { Config } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { settingsWithModel } from '../../src/embedding/find-model.ts';
import type { Generation } from '../../src/ledger/generation/generation.ts';
import { modelCandidates } from '../../src/ledger/generation/settings.ts';

export const settingsOf = (configured: Settings, generation: Generation): Promise<Settings> =>
  settingsWithModel(modelCandidates(configured, generation), generation.run);

/** Of several generations, two may have models of one name in two folders; of a single one the configuration names it. */
export async function ownSettings(
  present: readonly Generation[],
  configured: Config,
  own: Config,
): Promise<Settings> {
  const found = present.length > 1 ? present.find(({ name }) => name === own.backfill) : undefined;
  return found === undefined ? own.settings : settingsOf(configured.settings, found);
}
