/** `model.quantized`, a short name for two values of `model.dtype`: settings have that alone. */

import { optionName } from './option-name.ts';
import { dtypeOfQuantized, mayBeTaken } from './values/dtype.ts';

/**
 * Turns the one into the other. @param values by the paths of options @param isGiven whether `model.dtype` is, and no default
 * @returns in a sentence, how the two contradict each other; null where they do not
 */
export function settleQuantized(
  values: Map<string, unknown>,
  isGiven: boolean,
  backfill: string | null,
): string | null {
  const quantized = values.get('model.quantized');
  if (typeof quantized !== 'boolean') return null;
  values.set('model.quantized', undefined);
  const short = dtypeOfQuantized(quantized);
  const dtype = values.get('model.dtype');
  if (!isGiven) values.set('model.dtype', short);
  else if (dtype === 'auto' || !mayBeTaken(dtype, short))
    return `Option ${optionName('model.quantized', backfill)} is ${quantized}, which is short for model.dtype ${short}, but ${optionName('model.dtype', backfill)} is ${String(dtype)}: leave one of them out.`;
  return null;
}
