/** Doctor's look at the other backfills of the table: each has columns of its own. */

import { optionName } from '../../config/option-name.ts';
import { showGeneration } from '../../config/values/generation-name.ts';
import type { Pool } from '../../db/pool.ts';
import { columnClash } from '../../ledger/backfill/clash.ts';
import { hasLedger, siblingsOf } from '../../ledger/backfill/siblings.ts';
import { expressionFacts } from '../../sync/watched-columns.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

export async function checkOtherBackfills(pool: Pool, target: Target): Promise<Finding[]> {
  const siblings = (await hasLedger(pool)) ? await siblingsOf(pool, target) : [];
  if (siblings.length === 0) return [];
  // Where an expression does not run, its own check has said so.
  const reads = await expressionFacts(pool, target).then(
    (facts) => facts.reads,
    () => null,
  );
  const clash = await columnClash(pool, target, reads);
  if (clash !== null) {
    const { message, remedy, option } = clash;
    return [
      {
        level: 'error',
        check: 'backfills',
        message,
        remedy: `${remedy}, by ${optionName(option)}.`,
        option,
      },
    ];
  }
  const names = siblings.map(({ backfill, writes }) => `${showGeneration(backfill)} (${writes.join(', ')})`);
  return [
    {
      level: 'ok',
      check: 'backfills',
      message: `beside ${names.join(', ')} on the same table, with columns of its own`,
    },
  ];
}
