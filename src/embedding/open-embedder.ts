/** The embedder that the configuration asks for, and what can be said of it without opening it. */

import type { Settings } from '../config/settings.ts';
import { maskPolicyVersion, type MaskPolicy } from '../masking/policy.ts';
import type { Embedder } from './embedder.ts';
import { endpointFingerprint, type EndpointOptions } from './endpoint/embedder.ts';
import { modelFingerprint, type ModelOptions } from './model-files/files.ts';

export const maskPolicy = (settings: Settings): MaskPolicy => ({
  types: settings.maskTypes,
  rules: settings.maskRules,
});

export function modelOptions(settings: Settings): ModelOptions {
  return {
    name: settings.modelName,
    localPath: settings.modelLocalPath,
    allowDownload: settings.modelAllowDownload,
    quantized: settings.modelQuantized,
    revision: settings.modelRevision,
    checksum: settings.modelChecksum,
    hub: settings.modelHub,
    pooling: settings.modelPooling,
    normalize: settings.modelNormalize,
    maxTokens: settings.modelMaxTokens,
    longText: settings.modelLongText,
    chunkOverlap: settings.modelChunkOverlap,
    maxChunks: settings.modelMaxChunks,
    documentPrefix: settings.modelDocumentPrefix ?? '',
    queryPrefix: settings.modelQueryPrefix ?? '',
    mask: maskPolicy(settings),
  };
}

/** All but `mask`, which takes tables of the world's telephone numbers to load: to tell a fingerprint nothing is masked. */
function endpointFacts(settings: Settings, endpoint: string): Omit<EndpointOptions, 'mask'> {
  return {
    endpoint,
    name: settings.modelName,
    apiKey: settings.modelApiKey,
    dimensions: settings.modelDimensions,
    requestTexts: settings.modelRequestTexts,
    requestConcurrency: settings.modelRequestConcurrency,
    timeoutSeconds: settings.modelTimeoutSeconds,
    normalize: settings.modelNormalize,
    maxTokens: settings.modelMaxTokens,
    longText: settings.modelLongText,
    documentPrefix: settings.modelDocumentPrefix,
    queryPrefix: settings.modelQueryPrefix,
    maskVersion: maskPolicyVersion(maskPolicy(settings)),
  };
}

async function endpointOptions(settings: Settings, endpoint: string): Promise<EndpointOptions> {
  const { createMasker } = await import('../masking/masker.ts');
  const masker = createMasker(maskPolicy(settings));
  return { ...endpointFacts(settings, endpoint), mask: (text) => masker.mask(text) };
}

/**
 * `processes`: inference processes of local files; as configured where absent. `notice`: told where files are fetched.
 * @throws ConfigError, TransientError
 */
export async function openEmbedder(
  settings: Settings,
  processes = settings.threads,
  notice?: (line: string) => void,
): Promise<Embedder> {
  // Loaded where one is opened: whoever asks for facts and fingerprints alone starts in half of the time.
  if (settings.modelEndpoint !== undefined) {
    const { openEndpointEmbedder } = await import('./endpoint/embedder.ts');
    return openEndpointEmbedder(await endpointOptions(settings, settings.modelEndpoint));
  }
  const { openTransformersEmbedder } = await import('./local-embedder.ts');
  return openTransformersEmbedder(modelOptions(settings), processes, notice);
}

/** Of the model as it is configured and as its files are now. @throws Error where a file cannot be read */
export async function presentFingerprint(settings: Settings, dimensions: number): Promise<string> {
  if (settings.modelEndpoint === undefined) return modelFingerprint(modelOptions(settings));
  return endpointFingerprint(
    endpointFacts(settings, settings.modelEndpoint),
    settings.modelDimensions ?? dimensions,
  );
}

export type ModelFacts = Record<string, string | number | boolean>;

/** What rows' vectors are made with, by the names of the options; kept with each run, to tell what another one changed. */
export function modelFacts(settings: Settings): ModelFacts {
  const local = settings.modelEndpoint === undefined;
  const chunks = settings.modelLongText === 'mean-of-chunks';
  return {
    'model.name': settings.modelName,
    ...(local
      ? { 'model.quantized': settings.modelQuantized, 'model.pooling': settings.modelPooling }
      : { 'model.endpoint': true }),
    'model.normalize': settings.modelNormalize,
    'model.maxTokens': settings.modelMaxTokens,
    'model.longText': settings.modelLongText,
    ...(chunks && local
      ? { 'model.chunkOverlap': settings.modelChunkOverlap, 'model.maxChunks': settings.modelMaxChunks }
      : {}),
    'model.documentPrefix': settings.modelDocumentPrefix ?? '',
    ...(local ? { 'model.revision': settings.modelRevision } : {}),
    mask: maskPolicyVersion(maskPolicy(settings)),
  };
}

/** In words, what is configured otherwise than it was; null where nothing is. */
export function modelDifference(before: ModelFacts, now: ModelFacts): string | null {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = names.filter((name) => before[name] !== now[name]);
  const shown = (value: string | number | boolean | undefined): string =>
    value === undefined ? 'nothing' : JSON.stringify(value);
  return changed.length === 0
    ? null
    : changed.map((name) => `${name} was ${shown(before[name])}, is ${shown(now[name])}`).join('; ');
}
