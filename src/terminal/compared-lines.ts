/** What `compare-models` says in a terminal. */

import type { ComparedModels } from '../verify/compared-models/compare-models.ts';
import { comparedWords, type Table } from '../verify/compared-models/words.ts';
import { table } from './table.ts';

export function comparedLines(compared: ComparedModels): string[] {
  const { asked, relevance, forecast, resources, failures, chosen, note } = comparedWords(compared);
  return [
    asked,
    ...section(relevance),
    ...section(resources, forecast),
    ...failures.flatMap(({ asked: name, message, remedy }) => [
      '',
      `${name} cannot be used: ${message}`,
      ...(remedy === null ? [] : [`      do: ${remedy}`]),
    ]),
    '',
    chosen,
    note,
  ];
}

const section = ({ head, rows }: Table, title?: string): string[] =>
  rows.length === 0 ? [] : ['', ...(title === undefined ? [] : [title]), ...table([head, ...rows])];
