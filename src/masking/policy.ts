/** What is masked, as plain data: it goes to child processes by structured clone. */

import { createHash } from 'node:crypto';
import type { MASK_TYPES } from '../config/options/mask.ts';

export type MaskType = (typeof MASK_TYPES)[number];

/** A mask of the operator's own, in RE2 syntax. */
export interface MaskRule {
  readonly name: string;
  readonly pattern: string;
  readonly ignoreCase?: boolean | undefined;
}

export interface MaskPolicy {
  readonly types: readonly MaskType[];
  readonly rules: readonly MaskRule[];
}

/**
 * To be raised with every change of what a detector finds: vectors of the old masking are then known as such. The
 * release of the phone library is left out on purpose, or every upgrade of its tables would embed all rows again.
 */
const POLICY_VERSION = 2;

/** 64 bits: enough to tell policies apart, short enough to be read aloud. */
const VERSION_DIGITS = 16;

/** A short name of everything that decides what is masked; `none` where nothing is. */
export function maskPolicyVersion(policy: MaskPolicy): string {
  if (policy.types.length === 0 && policy.rules.length === 0) return 'none';
  const types = [...new Set(policy.types)].sort();
  // Rules keep their order: where two match the same text, the first one wins.
  const rules = policy.rules.map((rule) => [rule.name, rule.pattern, rule.ignoreCase ?? false]);
  return createHash('sha256')
    .update(JSON.stringify([POLICY_VERSION, types, rules]))
    .digest('hex')
    .slice(0, VERSION_DIGITS);
}
