/** Precision and recall of masking on the generated corpus, as docs/masking.md tells them. */

import { MASK_TYPES } from '../../src/config/options/mask.ts';
import { createMasker } from '../../src/masking/masker.ts';
import { corpus, type Item } from './corpus.ts';

interface Measurement {
  type: string;
  kind: string;
  strings: number;
  /** Masked as they had to be: the value, all of it, and nothing beside it; of false alarms those left as they were. */
  right: number;
}

export interface Measurements {
  strings: number;
  values: Measurement[];
  alarms: Measurement[];
  /** Of all that was masked, the share that had to be. */
  precision: number;
  /** Of all that had to be masked, the share that was. */
  recall: number;
  wrong: Item[];
}

export function measure(): Measurements {
  const masker = createMasker({ types: MASK_TYPES, rules: [] });
  const measurements = new Map<string, Measurement>();
  const wrong: Item[] = [];
  const items = corpus();
  for (const item of items) {
    const { kind, type, before, value, after } = item;
    const wanted = type === null ? value : `[${type.toUpperCase()}]`;
    const right = masker.mask(before + value + after).text === before + wanted + after;
    const measurement = measurements.get(`${type} ${kind}`) ?? {
      type: type ?? '',
      kind,
      strings: 0,
      right: 0,
    };
    measurements.set(`${type} ${kind}`, measurement);
    measurement.strings++;
    if (right) measurement.right++;
    else wrong.push(item);
  }
  const all = [...measurements.values()];
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
export function measurementsText({ strings, values, alarms, precision, recall }: Measurements): string {
  const share = (part: number): string => `${(part * 100).toFixed(1)} %`;
  const row = ({ type, kind, strings: of, right }: Measurement): string =>
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
