/** The fingerprint of a remote model: apart, as who only tells it needs neither the client nor what masks texts. */

import { createHash } from 'node:crypto';

/** Of the options, what shapes a row's vector. */
export interface FingerprintedOptions {
  name: string;
  normalize: boolean;
  maxTokens: number;
  longText: string;
  documentPrefix?: string | undefined;
  maskVersion: string;
  chunks?: { tokens: number; overlap: number; max: number } | undefined;
}

/**
 * The digest of all that is known to shape a row's vector. Not the address, nor the key: the same model may move. That the
 * name stands for the same weights everywhere is the operator's word.
 */
export function endpointFingerprint(
  { name, normalize, maxTokens, longText, documentPrefix = '', maskVersion, chunks }: FingerprintedOptions,
  dimensions: number,
): string {
  const facts = {
    kind: 'endpoint',
    name,
    dimensions,
    normalize,
    maxTokens,
    longText,
    documentPrefix,
    maskVersion,
    ...(longText === 'chunks' && chunks !== undefined
      ? { chunks: [chunks.tokens, chunks.overlap, chunks.max] }
      : {}),
  };
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
