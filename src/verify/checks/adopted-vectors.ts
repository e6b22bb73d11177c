import type { Accounting } from '../../ledger/rows/accounting.ts';
import { adoptedWords } from '../../ledger/run/adoption-words.ts';
import type { Adoption } from '../../ledger/run/adoption.ts';
import type { Check } from '../check.ts';

/** Where vectors come from that no worker has made: it passes by itself, the sample has decided. None where there are none. */
export const adoptedCheck = (rows: Accounting, adoption: Adoption | null): Check[] =>
  rows.adopted === 0 || adoption === null
    ? []
    : [
        {
          name: 'adopted',
          passed: true,
          value: rows.adopted,
          threshold: null,
          detail: adoptedWords(rows.adopted, adoption),
          remedy: null,
        },
      ];
