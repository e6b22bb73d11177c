/** Searches that compute the text of rows: one on which it raises fails them all, unless quarantine knows of it. */

import { quoteLiteral } from '../../db/identifiers.ts';
import { isOfARow } from '../../db/sqlstates.ts';
import { readableTable } from '../../ledger/rows/row-state.ts';
import type { Target } from '../../table/backfill-target.ts';

/**
 * `work` once more without what is quarantined as unreadable, where a row made it fail. Only then: a role of the
 * application's need not be able to read the quarantine, and most tables have no such row.
 * @throws the first error where that does not help
 */
export async function skippingUnreadable<T>(
  target: Target,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  try {
    return await work(target);
  } catch (error) {
    if (!isOfARow(error)) throw error;
    return work(withoutUnreadable(target)).catch(() => {
      throw error;
    });
  }
}

/** To an unreadable row the empty text stands for its own, and it takes part: no search finds it. */
function withoutUnreadable(target: Target): Target {
  const { from, unreadable, eligible } = readableTable(target, quoteLiteral(target.backfill));
  return {
    ...target,
    table: from,
    where: `(${eligible})`,
    text: `(CASE WHEN ${unreadable} THEN '' ELSE ${target.text} END)`,
  };
}
