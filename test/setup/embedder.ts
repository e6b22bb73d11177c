/** One embedder for all that ask for the same model: a runtime is loaded once a process, not once a verb. */

import { modelOptions, openEmbedder } from '../../src/embedding/open-embedder.ts';
import { borrowed, type Embedder, type OpenEmbedder } from '../../src/embedding/embedder.ts';
import { modelFingerprint } from '../../src/embedding/model-files/files.ts';
import { measured } from './measure.ts';

/** Each has a process with a model in memory. */
const MAX_OPEN = 3;

const opened = new Map<string, Promise<Embedder>>();

/** For verbs and workers of the test's own process. What is no local model is opened by itself. */
export const sharedEmbedder: OpenEmbedder = async (settings, processes = settings.worker.threads, notice) => {
  if (settings.model.endpoint !== undefined || settings.model.allowDownload)
    return openEmbedder(settings, processes, notice);
  const options = modelOptions(settings);
  // Of the files too, as they are now: some tests change them.
  const fingerprint = await modelFingerprint(options).catch(() => null);
  if (fingerprint === null) return openEmbedder(settings, processes, notice);
  const key = JSON.stringify([options, processes, fingerprint]);
  const present = opened.get(key) ?? measured('embedder', () => openEmbedder(settings, processes, notice));
  opened.set(key, present);
  try {
    return borrowed(await present);
  } catch (error) {
    opened.delete(key);
    throw error;
  }
};

/** Between two files nobody uses one. */
export async function closeSpareEmbedders(): Promise<void> {
  for (const [key, embedder] of [...opened].slice(0, Math.max(0, opened.size - MAX_OPEN))) {
    opened.delete(key);
    await (await embedder).close();
  }
}
