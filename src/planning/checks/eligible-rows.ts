/** Whether any row takes part: a mistyped condition matches none, and nothing else would say so. */

import { optionName } from '../../config/option-name.ts';
import type { Pool } from '../../db/pool.ts';
import { noRowTakesPart } from '../../pipeline/nothing-embedded.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

export async function checkEligibleRows(pool: Pool, target: Target): Promise<Finding[]> {
  const none = await noRowTakesPart(pool, target);
  if (none === null) return [];
  return [
    {
      level: 'warn',
      check: 'rows',
      message: `${none}: nothing would be embedded, and the run is not ready before there are rows`,
      remedy: `Check ${optionName('table')} and ${optionName('where')}; or go on: with sync on, rows are embedded as they come.`,
    },
  ];
}
