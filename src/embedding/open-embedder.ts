/** The embedder that the configuration asks for, and what can be said of it without opening it. */

import type { Settings } from '../config/settings.ts';
import { dtypeOfQuantized } from '../config/values/dtype.ts';
import { maskPolicyVersion, type MaskPolicy } from '../masking/policy.ts';
import type { Embedder } from './embedder.ts';
import type { Mask } from '../masking/masker.ts';
import type { ChunkOptions, EndpointOptions } from './endpoint/embedder.ts';
import { endpointFingerprint } from './endpoint/fingerprint.ts';
import { modelDtype, modelFingerprint, type ModelOptions } from './model-files/files.ts';

export const maskPolicy = (settings: Settings): MaskPolicy => ({
  types: settings.mask.types,
  rules: settings.mask.rules,
});

export function modelOptions(settings: Settings): ModelOptions {
  return {
    name: settings.model.name,
    localPath: settings.model.localPath,
    allowDownload: settings.model.allowDownload,
    dtype: settings.model.dtype,
    revision: settings.model.revision,
    checksum: settings.model.checksum,
    hub: settings.model.hub,
    pooling: settings.model.pooling,
    normalize: settings.model.normalize,
    dimensions: settings.model.dimensions,
    maxTokens: settings.model.maxTokens,
    longText: settings.model.longText,
    chunkTokens: settings.model.chunkTokens,
    chunkOverlap: settings.model.chunkOverlap,
    maxChunks: settings.model.maxChunks,
    documentPrefix: settings.model.documentPrefix ?? '',
    queryPrefix: settings.model.queryPrefix ?? '',
    mask: maskPolicy(settings),
  };
}

/** All but `mask`, which takes tables of the world's telephone numbers to load: to tell a fingerprint nothing is masked. */
function endpointFacts(
  settings: Settings,
  endpoint: string,
): Omit<EndpointOptions, 'mask' | 'chunks'> & { chunks: Omit<ChunkOptions, 'find'> } {
  return {
    endpoint,
    name: settings.model.name,
    apiKey: settings.model.apiKey,
    dimensions: settings.model.dimensions,
    requestTexts: settings.model.requestTexts,
    requestConcurrency: settings.model.requestConcurrency,
    timeoutSeconds: settings.model.timeoutSeconds,
    normalize: settings.model.normalize,
    maxTokens: settings.model.maxTokens,
    longText: settings.model.longText,
    documentPrefix: settings.model.documentPrefix,
    queryPrefix: settings.model.queryPrefix,
    maskVersion: maskPolicyVersion(maskPolicy(settings)),
    chunks: {
      tokens: settings.model.chunkTokens ?? settings.model.maxTokens,
      overlap: settings.model.chunkOverlap,
      max: settings.model.maxChunks,
    },
  };
}

async function endpointOptions(settings: Settings, endpoint: string): Promise<EndpointOptions> {
  const { createMasker } = await import('../masking/masker.ts');
  const masker = createMasker(maskPolicy(settings));
  const facts = endpointFacts(settings, endpoint);
  const find = (text: string): Mask[] => masker.find(text);
  return { ...facts, mask: (text) => masker.mask(text), chunks: { ...facts.chunks, find } };
}

/**
 * `processes`: inference processes of local files; as configured where absent. `notice`: told where files are fetched.
 * @throws ConfigError, TransientError
 */
export async function openEmbedder(
  settings: Settings,
  processes = settings.worker.threads,
  notice?: (line: string) => void,
): Promise<Embedder> {
  // Loaded where one is opened: whoever asks for facts and fingerprints alone starts in half of the time.
  if (settings.model.endpoint !== undefined) {
    const { openEndpointEmbedder } = await import('./endpoint/embedder.ts');
    return openEndpointEmbedder(await endpointOptions(settings, settings.model.endpoint));
  }
  const { openTransformersEmbedder } = await import('./local-embedder.ts');
  return openTransformersEmbedder(modelOptions(settings), processes, notice);
}

/** Of the model as it is configured and as its files are now. @throws Error where a file cannot be read */
export async function presentFingerprint(settings: Settings, dimensions: number): Promise<string> {
  if (settings.model.endpoint === undefined) return modelFingerprint(modelOptions(settings));
  return endpointFingerprint(
    endpointFacts(settings, settings.model.endpoint),
    settings.model.dimensions ?? dimensions,
  );
}

export type ModelFacts = Record<string, string | number | boolean>;

/** What rows' vectors are made with, by the names of the options; kept with each run, to tell what another one changed. */
export function modelFacts(settings: Settings): ModelFacts {
  const local = settings.model.endpoint === undefined;
  const {
    longText,
    dimensions,
    maxTokens,
    chunkTokens = maxTokens,
    chunkOverlap,
    maxChunks,
  } = settings.model;
  const chunks = { 'model.chunkOverlap': chunkOverlap, 'model.maxChunks': maxChunks };
  return {
    'model.name': settings.model.name,
    ...(local
      ? { 'model.dtype': modelDtype(settings.model), 'model.pooling': settings.model.pooling }
      : { 'model.endpoint': true }),
    'model.normalize': settings.model.normalize,
    ...(dimensions === undefined ? {} : { 'model.dimensions': dimensions }),
    'model.maxTokens': settings.model.maxTokens,
    'model.longText': settings.model.longText,
    ...(longText === 'mean-of-chunks' && local ? chunks : {}),
    ...(longText === 'chunks' ? { 'model.chunkTokens': chunkTokens, ...chunks } : {}),
    'model.documentPrefix': settings.model.documentPrefix ?? '',
    ...(local ? { 'model.revision': settings.model.revision } : {}),
    mask: maskPolicyVersion(maskPolicy(settings)),
  };
}

/** In words, what is configured otherwise than it was; null where nothing is. */
export function modelDifference(kept: ModelFacts, now: ModelFacts): string | null {
  const before = withDtype(kept);
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = names.filter((name) => before[name] !== now[name]);
  const shown = (value: string | number | boolean | undefined): string =>
    value === undefined ? 'nothing' : JSON.stringify(value);
  return changed.length === 0
    ? null
    : changed.map((name) => `${name} was ${shown(before[name])}, is ${shown(now[name])}`).join('; ');
}

/** Of a run that was planned while there were two precisions. */
function withDtype({ 'model.quantized': quantized, ...facts }: ModelFacts): ModelFacts {
  return typeof quantized === 'boolean' ? { 'model.dtype': dtypeOfQuantized(quantized), ...facts } : facts;
}
