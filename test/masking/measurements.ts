/** Precision and recall of masking on the generated corpus, as docs/masking.md tells them. */

import { MASK_TYPES } from '../../src/config/options/mask.ts';
import { createMasker } from '../../src/masking/masker.ts';
import { corpus, type Item } from './corpus.ts';

interface Figure {
  type: string;
  kind: string;
  strings: number;
  /** Masked as they had to be: the value, all of it, and nothing beside it; of false alarms those left as they were. */
  right: number;
}

export interface Figures {
  strings: number;
  values: Figure[];
  alarms: Figure[];
  /** Of all that was masked, the share that had to be. */
  precision: number;
  /** Of all that had to be masked, the share that was. */
  recall: number;
  wrong: Item[];
}

export function measure(): Figures {
  const masker = createMasker({ types: MASK_TYPES, rules: [] });
  const figures = new Map<string, Figure>();
  const wrong: Item[] = [];
  const items = corpus();
  for (const item of items) {
    const { kind, type, before, value, after } = item;
    const wanted = type === null ? value : `[${type.toUpperCase()}]`;
    const right = masker.mask(before + value + after).text === before + wanted + after;
    const figure = figures.get(`${type} ${kind}`) ?? { type: type ?? '', kind, strings: 0, right: 0 };
    figures.set(`${type} ${kind}`, figure);
    figure.strings++;
    if (right) figure.right++;
    else wrong.push(item);
  }
  const all = [...figures.values()];
  const values = all.filter(({ type }) => type !== '');
  const alarms = all.filter(({ type }) => type === '');
  const found = values.reduce((sum, { right }) => sum + right, 0);
  const falsely = alarms.reduce((sum, { strings, right }) => sum + strings - right, 0);
  return {
    strings: items.length,
    values,
    alarms,
    precision: found / (found + falsely),
    recall: found / values.reduce((sum, { strings }) => sum + strings, 0),
    wrong,
  };
}

/** As the page has them, between its marks. */
export function figuresText({ strings, values, alarms, precision, recall }: Figures): string {
  const share = (part: number): string => `${(part * 100).toFixed(1)} %`;
  const row = ({ type, kind, strings: of, right }: Figure): string =>
    `| ${type === '' ? 'none' : `\`${type}\``} | ${kind} | ${of} | ${share(right / of)} |`;
  return [
    `${strings} strings: precision ${share(precision)}, recall ${share(recall)}.`,
    '',
    '| Type | Kind | Strings | Right |',
    '| --- | --- | --- | --- |',
    ...values.map(row),
    ...alarms.map(row),
    '',
  ].join('\n');
}
