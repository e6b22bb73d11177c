/**
 * Strings to measure masking by: values of every documented kind in their written forms, made by the rules of their
 * issuers (check digits included) and not by the detectors', and what only looks like them. The same seed gives the
 * same strings.
 */

import { uniform } from '../../src/random.ts';
import { FALSE_ALARMS } from './false-alarms.ts';
import { Maker } from './maker.ts';
import { VALUES } from './values.ts';

export interface Item {
  /** Of the table: a form of a value, or what looks like one. */
  kind: string;
  /** The type that it has to be masked as; null where nothing has to be. */
  type: string | null;
  before: string;
  value: string;
  after: string;
}

const SEED = 17;
const EACH_VALUE = 90;
const EACH_ALARM = 100;

/** Around a value; nothing here says what the value is. */
const CONTEXTS: readonly (readonly [before: string, after: string])[] = [
  ['', ''],
  ['The customer wrote ', ' and asked for an answer.'],
  ['see (', ') below'],
  ['it is ', '.'],
  ['as noted, ', ', by the clerk'],
  ['first line\n', '\nlast line'],
  ['"', '"'],
  ['entry;', ';closed'],
];

export function corpus(): Item[] {
  const make = new Maker(uniform(SEED));
  const items: Item[] = [];
  const add = (
    kind: string,
    type: string | null,
    count: number,
    one: (make: Maker) => string | string[],
  ): void => {
    for (let made = 0; made < count; made++) {
      const [before, after] = make.of(CONTEXTS);
      const value = one(make);
      // A label in front of the value, or what follows it, belongs to it and stays.
      const [label = '', own = '', tail = ''] = typeof value === 'string' ? ['', value] : value;
      items.push({ kind, type, before: before + label, value: own, after: tail + after });
    }
  };
  for (const [type, kinds] of Object.entries(VALUES))
    for (const [kind, one] of Object.entries(kinds)) add(kind, type, EACH_VALUE, one);
  for (const [kind, one] of Object.entries(FALSE_ALARMS)) add(kind, null, EACH_ALARM, one);
  return items;
}
