/** Doctor's look at what changes a row's text, or whether it takes part, without a write of the row: no trigger sees that. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { expressionFacts } from '../../sync/watched-columns.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

/** Where they do not run at all, the check of the expressions has said so. */
export async function checkVolatility(pool: Pool, target: Target, settings: Settings): Promise<Finding[]> {
  const facts = await expressionFacts(pool, target).catch(() => null);
  if (facts === null) return [];
  const watched: Finding = {
    level: 'ok',
    check: 'watched-columns',
    message: `${facts.watched.join(', ')}: while triggers capture changes, ALTER COLUMN … TYPE and DROP COLUMN of these are refused unless pgvector_backfill_capture_update is dropped in the same transaction; workers put it back (docs/sync.md)`,
  };
  return [
    ...(settings.sync.mode === 'off' || settings.sync.mode === 'sweep' ? [] : [watched]),
    ...facts.varying.map(({ option, what }): Finding => {
      const seconds = settings.sync.sweepSeconds;
      return {
        level: 'warn',
        check: 'immutable',
        message: `${option} is not immutable, by ${what.join(', ')}: a row's ${option === 'where' ? 'part in the backfill' : 'text'} changes without a write of the row, which no trigger sees.`,
        remedy: `A sweep finds such rows, one every ${seconds} s by ${optionName('sync.sweepSeconds')}. Make it of the row's own columns alone for changes to be found in seconds: a column that a job of yours sets, or a function declared IMMUTABLE where it is.`,
        option,
      };
    }),
  ];
}
