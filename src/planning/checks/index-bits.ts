/** Doctor on an index of bits: where signs of components do not order rows as the metric does. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { bitsSuit } from '../../finalize/choose-index.ts';
import { MIN_BIT_DIMENSIONS } from '../../table/index-plan.ts';
import type { IndexedType } from '../../table/vector-type.ts';
import type { Finding } from './finding.ts';

/** Empty of an index of another type. */
export function checkBits(type: IndexedType, settings: Settings, dimensions: number): Finding[] {
  if (type !== 'bit') return [];
  const findings: Finding[] = [];
  const add = (message: string, remedy: string, option: Finding['option']): unknown =>
    findings.push({
      level: 'warn',
      check: 'index-bits',
      message,
      remedy,
      ...(option === undefined ? {} : { option }),
    });
  if (!bitsSuit(settings))
    add(
      `An index of bits knows the direction of a vector alone, and ${settings.metric} also goes by its length: long or short rows are missed, however many candidates are compared.`,
      `Set ${optionName('model.normalize')} to true, ${optionName('metric')} to cosine, or ${optionName('index.type')} to halfvec.`,
      'index.type',
    );
  if (dimensions < MIN_BIT_DIMENSIONS)
    add(
      `An index of bits tells rows of ${dimensions} dimensions apart badly: from ${MIN_BIT_DIMENSIONS} on it is worth trying.`,
      `Set ${optionName('index.type')} to halfvec or auto, or raise ${optionName('index.candidates')}; the recall that \`pgvector-backfill verify\` measures decides.`,
      'index.type',
    );
  return findings;
}
