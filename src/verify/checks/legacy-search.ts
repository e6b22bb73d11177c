/** What became of the legacy search on the queries of a verification. */

import { optionName } from '../../config/option-name.ts';
import type { LegacyTries } from '../../search/queries/legacy-fault.ts';
import type { Check } from '../check.ts';

/** Only told: the gate is about vectors. Reads that the legacy search answers are tried by the cut-over. */
export function legacyCheck({ asked, raised, fault }: LegacyTries): Check[] {
  if (raised === 0) return [];
  return [
    {
      name: 'legacy-search',
      passed: true,
      value: raised,
      threshold: null,
      detail: `the legacy search raises for ${raised} of ${asked} queries, which count as finding nothing: ${fault}`,
      remedy: `Correct ${optionName('legacySearch')} where it should not: SQL with $1 the query text as people type it, $2 the number of rows.`,
    },
  ];
}
