/** What `enqueue --adopt` says of the sample. */

import { optionName } from '../config/option-name.ts';
import { sampleWords, shareWords, shownCosine } from '../ledger/run/adoption-words.ts';
import { SHOWN_DISAGREEMENTS, type ColumnSample } from '../planning/adopt/examine-column.ts';

export function sampleLines(column: string, sample: ColumnSample): string[] {
  const { disagreements, disagreed, sampled, maxDisagreement, cause } = sample;
  const shown = disagreements.slice(0, SHOWN_DISAGREEMENTS);
  return [
    `Column ${column}: ${sampleWords(sample)}.`,
    ...sample.indexes.map(({ name, definition, plan }) =>
      plan === null
        ? `Index ${name} does not fit the options, so another one is built beside it: ${definition}`
        : `Index ${name} is taken over: ${definition}`,
    ),
    ...(shown.length === 0
      ? []
      : [
          `${shown.length < disagreed ? `The ${shown.length} that disagree most` : 'Those that disagree'}, by key and cosine:`,
          ...shown.map(({ key, cosine }) => `  key ${key}: ${shownCosine(cosine)}`),
          `Why: ${cause}.`,
        ]),
    ...(sample.agrees
      ? [
          `${disagreed === 0 ? 'Its' : 'These are embedded; the column’s other'} vectors are taken over without embedding, and without a write to the table.`,
        ]
      : [
          `Nothing was changed: ${shareWords(disagreed / sampled)} disagree, and ${optionName('adopt.maxDisagreement')} permits ${shareWords(maxDisagreement)}.`,
          'Do: correct the options that the cause names; or set the vectors that are wrong to NULL, so that they are embedded; or permit such a share of them.',
          'Without --adopt, `pgvector-backfill enqueue` embeds every row.',
        ]),
  ];
}
