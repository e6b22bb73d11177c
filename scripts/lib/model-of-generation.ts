import type { Settings } from '../../src/config/settings.ts';
import { settingsWithModel } from '../../src/embedding/find-model.ts';
import type { Generation } from '../../src/ledger/generation/generation.ts';
import { modelCandidates } from '../../src/ledger/generation/settings.ts';

/** Of several generations, two may have models of one name in two folders. @param generation null where there is one */
export async function withModelOf(
  settings: Settings,
  configured: Settings,
  generation: Generation | null,
): Promise<Settings> {
  if (generation === null) return settings;
  const { model, mask } = await settingsWithModel(modelCandidates(configured, generation), generation.run);
  return { ...settings, model, mask };
}
