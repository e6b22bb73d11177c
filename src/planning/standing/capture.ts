/** Whether the triggers that note changes stand on the table as they were armed. */

import type { Pool } from '../../db/pool.ts';
import { readOnlyReason } from '../../db/read-only.ts';
import { syncMode } from '../../ledger/changes/drain-lease.ts';
import { stoodAsArmed } from '../../sync/ensure-capture.ts';
import { neededRepair } from '../../sync/table-parts.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from '../checks/finding.ts';

/** What a change of the options asks for, which a plan of `enqueue` says. */
const OF_OPTIONS = 'they are of other columns';

/** Reads catalogs and ledger. What exactly is wrong takes a temporary view of the operator's expressions, which no standby makes. */
export async function checkArmed(pool: Pool, target: Target): Promise<Finding[]> {
  if ((await syncMode(pool, target.backfill)) !== 'trigger') return [];
  const isReadOnly = (await readOnlyReason(pool)) !== null;
  const { faults: all } = isReadOnly ? { faults: [] } : await neededRepair(pool, target);
  const faults = all.filter((each) => each !== OF_OPTIONS);
  const found = (message: string): Finding[] => [
    {
      level: 'warn',
      check: 'capture',
      message,
      remedy:
        'Start a worker, or run `pgvector-backfill enqueue`: both arm the triggers, and the table is read once for what was written meanwhile.',
    },
  ];
  if (faults.length > 0)
    return found(`Changes of ${target.schema}.${target.name} are not all captured: ${faults.join('; ')}.`);
  if ((await stoodAsArmed(pool, target)) !== false) return [];
  return found(
    `The triggers of ${target.schema}.${target.name} are others than those that were armed, as a restored dump makes them: rows may have been written without them.`,
  );
}
