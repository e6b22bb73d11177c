import { createHash } from 'node:crypto';
import type { EndpointOptions } from './embedder.ts';

/**
 * The digest of all that is known to shape a row's vector. Not the address, nor the key: the same model may move. That the
 * name stands for the same weights everywhere is the operator's word.
 */
export function endpointFingerprint(
  options: Pick<
    EndpointOptions,
    'name' | 'normalize' | 'maxTokens' | 'longText' | 'documentPrefix' | 'maskVersion'
  >,
  dimensions: number,
): string {
  const { name, normalize, maxTokens, longText, documentPrefix = '', maskVersion } = options;
  const facts = {
    kind: 'endpoint',
    name,
    dimensions,
    normalize,
    maxTokens,
    longText,
    documentPrefix,
    maskVersion,
  };
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
