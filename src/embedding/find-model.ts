/** Where on this machine the model lies that has made certain vectors. */

import type { Settings } from '../config/settings.ts';
import { presentFingerprint } from './open-embedder.ts';

/**
 * The first of the candidates whose model is the one of that fingerprint; the first of all where none is, so that opening it
 * says what is missing. A model on a server is not asked.
 */
export async function settingsWithModel(
  candidates: readonly Settings[],
  made: { fingerprint: string; dimensions: number } | null,
): Promise<Settings> {
  const [first] = candidates;
  if (first === undefined) throw new Error('a model without a candidate');
  if (made === null || candidates.length === 1) return first;
  for (const settings of candidates) {
    const fingerprint = await presentFingerprint(settings, made.dimensions).catch(() => null);
    if (fingerprint === made.fingerprint) return settings;
  }
  return first;
}
