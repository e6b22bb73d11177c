/** Workers look after capture: triggers that are not armed are armed again, and what they could not note is swept for. */

import { explainedByServer } from '../db/explained-error.ts';
import { SQLSTATE } from '../db/sqlstates.ts';
import type { TransactionLimits } from '../db/transaction.ts';
import { quoteQualified } from '../db/identifiers.ts';
import { BackfillError, messageOf } from '../errors.ts';
import { addArmed, isLookDue, saveCaptureFault, takeMissed } from '../ledger/changes/armed-triggers.ts';
import { CHANGE_TABLE } from '../ledger/changes/capture-sql.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { leavesOf } from '../table/partitions.ts';
import type { Target } from '../table/backfill-target.ts';
import { ensureCapture } from './ensure-capture.ts';
import type { CapturePrint } from './capture-state.ts';
import { sweepPart, type SweepInput } from './sweep-missed-rows.ts';

export interface MonitorLimits {
  /** Between two looks at the catalog. What was written meanwhile without a trigger waits for the sweep behind the look. */
  everySeconds: number;
  /** Pages of a new partition that are read at once; a larger one is left to a sweep, which keeps its place. */
  partPages: number;
}

const LIMITS: MonitorLimits = { everySeconds: 60, partPages: 5 };

/** Writers wait behind each try, and nobody has asked for it just now: it comes back with the next look. */
const LOOK_LIMITS: TransactionLimits = { lockTimeoutMs: 500, statementTimeoutMs: 60_000, tries: 2 };

/** Never throws for what is wrong with capture: changes that were captured are to be drained all the same. */
export async function monitorCapture(
  input: SweepInput,
  { everySeconds, partPages }: MonitorLimits = LIMITS,
): Promise<void> {
  const { pool, target } = input;
  await sweepForMissed(input);
  if (!(await isLookDue(pool, target.backfill, everySeconds))) return;
  let fault = '';
  try {
    const armed = await ensureCapture(pool, target, LOOK_LIMITS);
    if (armed !== null && Object.keys(armed.added).length > 0)
      await sweepAdded(input, armed.added, partPages);
  } catch (raised) {
    const error = await explainedByServer(pool, raised);
    const remedy = error instanceof BackfillError && error.remedy !== undefined ? ` ${error.remedy}` : '';
    fault = `change capture is not as it should be and could not be armed again: ${messageOf(error)}${remedy}`;
  }
  if (!(await saveCaptureFault(pool, target.backfill, fault))) return;
  const [level, message] = fault === '' ? (['info', 'armed again'] as const) : (['warn', fault] as const);
  await recordEvent(pool, { backfill: target.backfill, run: null, level, kind: 'sync.capture', message });
}

async function sweepForMissed({ pool, target }: SweepInput): Promise<void> {
  const missed = await takeMissed(pool, target.backfill);
  if (missed.length === 0) return;
  const parts = missed.map(
    ({ reason, transactions }) => `${transactions} for ${MEANING[reason] ?? `SQLSTATE ${reason}`}`,
  );
  await recordEvent(pool, {
    backfill: target.backfill,
    run: null,
    level: 'warn',
    kind: 'sync.missed',
    message: `the triggers could not note the rows of some transactions (${parts.join(', ')}): the table is swept for them`,
  });
}

/** What kept a trigger from its note, as SQLSTATE says it. */
const MEANING: Record<string, string> = {
  [SQLSTATE.columnMissing]: 'the key column, which has another name now or is gone',
  [SQLSTATE.lockTimeout]: `a lock on ${CHANGE_TABLE}`,
  [SQLSTATE.tableMissing]: `${CHANGE_TABLE}, which is not there`,
  [SQLSTATE.privilege]: `the right to write to ${CHANGE_TABLE}, which is gone`,
};

/** Small ones are read at once, so that a new partition a day is not a sweep a day. */
async function sweepAdded(input: SweepInput, added: CapturePrint, maxPages: number): Promise<void> {
  const { pool, target } = input;
  let done = true;
  for (const leaf of await leavesOf(pool, target.table))
    if (leaf.oid in added) done = (await sweepPart(input, partOf(target, leaf), maxPages)) && done;
  await addArmed(pool, target.backfill, added, !done);
}

/** Text and condition name columns by the name of the table itself. */
const partOf = (target: Target, leaf: { schema: string; name: string }): Target => ({
  ...target,
  table: `${quoteQualified(leaf)} AS ${target.ref}`,
});
