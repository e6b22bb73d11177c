/** Puts a backfill into the ledger, beside those of the same table that it can stand. */

import { optionName } from '../config/option-name.ts';
import type { UsedValue } from '../config/usage-paths.ts';
import type { Pool } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { ConfigError } from '../errors.ts';
import { saveBackfill } from '../ledger/backfill/backfill.ts';
import { columnClash, holdBackfills } from '../ledger/backfill/clash.ts';
import { recordedTable } from '../ledger/backfill/recorded-table.ts';
import { expressionFacts } from '../sync/watched-columns.ts';
import { withNames, type Target } from '../table/backfill-target.ts';

/**
 * Doctor has looked before; of two that come at the same moment, the second one sees the first here, and takes other names.
 * @returns the target with the names that are its own from now on
 * @throws ConfigError where another backfill of the table writes what this one writes or reads, or reads what this one writes
 */
export async function registerBackfill(
  pool: Pool,
  target: Target,
  settings: Record<string, unknown>,
  usage: readonly UsedValue[],
): Promise<Target> {
  const { reads } = await expressionFacts(pool, target);
  return inTransaction(pool, LEDGER_LIMITS, async (client) => {
    await holdBackfills(client);
    const clash = await columnClash(client, target, reads);
    if (clash !== null)
      throw new ConfigError(clash.message, {
        code: 'COLUMN_CLASH',
        remedy: `${clash.remedy}, by ${optionName(clash.option)}.`,
      });
    const named = withNames(target, await recordedTable(client, target));
    await saveBackfill(client, named, settings, reads, usage);
    return named;
  });
}
