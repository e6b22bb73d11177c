/** A run that takes vectors over: when one is due, and what is kept with it. */

import type { Queryable } from '../../db/pool.ts';
import { saveIndexPlan } from '../../ledger/backfill/index-plan.ts';
import { recordEvent } from '../../ledger/event/event.ts';
import { saveDisagreements } from '../../ledger/run/adoption.ts';
import type { Run } from '../../ledger/run/run.ts';
import type { ColumnSample } from './examine-column.ts';

/** Why the run is made. */
export const ADOPTS = 'vectors that are there already are taken over';

/** Nothing is to be taken over, or another `enqueue --adopt` has begun while the sample of this one was drawn. */
export const isAdoptedSince = (latest: Run | null, adopt: ColumnSample | null): boolean =>
  adopt === null ||
  (latest !== null && latest.adoption !== null && BigInt(latest.adoption.boundary) >= BigInt(adopt.boundary));

/** In the transaction that makes the run: cut off before its end, there is neither. */
export async function keepAdoption(
  db: Queryable,
  { id, backfill }: Run,
  adopt: ColumnSample | null,
): Promise<void> {
  if (adopt === null) return;
  await saveDisagreements(db, id, adopt.disagreements);
  // The finalizer then finds it there, and builds none. It stays the operator's: no way back drops it.
  const index = adopt.indexes.find(({ plan }) => plan !== null);
  if (index?.plan == null) return;
  await saveIndexPlan(db, backfill, index.plan);
  const message = `${index.name}: ${index.definition}`;
  await recordEvent(db, { backfill, run: id, level: 'info', kind: 'index.adopted', message });
}
