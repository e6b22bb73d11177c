/** How a model is used, in words: each value with who says it. */

import type { UsedValue } from '../../config/usage-paths.ts';

/** `model.pooling cls (its 1_Pooling/config.json), …` */
export const usageWords = (used: readonly UsedValue[]): string =>
  usageFacts(used)
    .map(({ path, value, source }) => `${path} ${value} (${source})`)
    .join(', ');

/** The same, each by itself. */
export const usageFacts = (
  used: readonly UsedValue[],
): { path: UsedValue['path']; value: string; source: string }[] =>
  used.map((each) => ({ path: each.path, value: shown(each.value), source: sourceOf(each) }));

/** What the operator says otherwise than the makers: both values. Fewer tokens than the model reads are a choice and no mistake. */
export const contradictions = (used: readonly UsedValue[]): { path: UsedValue['path']; words: string }[] =>
  used.flatMap(({ path, value, stated }) =>
    stated === null || (path === 'model.maxTokens' && Number(value) < Number(stated.value))
      ? []
      : [
          {
            path,
            words: `${path} is ${shown(value)}, and ${shown(stated.value)} is what ${stated.where} says`,
          },
        ],
  );

const shown = (value: UsedValue['value']): string =>
  value === ''
    ? 'none'
    : typeof value === 'string' && /\W/.test(value)
      ? JSON.stringify(value)
      : String(value);

function sourceOf({ source, where, stated }: UsedValue): string {
  if (stated !== null) return `given; ${shown(stated.value)} in ${stated.where}`;
  return { given: 'given', files: `its ${where}`, table: `well known: ${where}`, default: 'default' }[source];
}
