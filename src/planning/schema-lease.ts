/** One at a time per backfill may change what stands in the operator's database: enqueue, complete or the way back. */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../db/pool.ts';
import { TransientError } from '../errors.ts';
import {
  releaseLease,
  renewLease,
  acquireLease,
  leaseOf,
  type SchemaLease,
} from '../ledger/backfill/schema-lease.ts';

/** Milliseconds. A process that was killed keeps the others waiting for the rest of its lease. */
const TIMES = { lease: 15_000, renewal: 3000, look: 300 };

/**
 * A lease in the ledger, not an advisory lock: that one is a session's, and behind a pooler in transaction mode it would
 * stay with a connection that an application gets next.
 * @throws TransientError where somebody else is at it, or has taken over from a process that was frozen
 */
export async function withSchemaLease<T>(
  pool: Pool,
  backfill: string,
  what: string,
  work: () => Promise<T>,
  times: typeof TIMES = TIMES,
): Promise<T> {
  const lease: SchemaLease = { backfill, holder: randomUUID(), what };
  await waitForLease(pool, lease, times);
  let renewal: NodeJS.Timeout | undefined;
  const overtaken = new Promise<never>((_, reject) => {
    const renew = async (): Promise<void> => {
      // A server that is not there now is asked again; a ledger that is gone was taken away by this very work.
      const isMine = await renewLease(pool, lease, times.lease / 1000).catch(() => true);
      if (!isMine) reject(overtakenIn(lease));
    };
    renewal = setInterval(() => void renew(), times.renewal);
  });
  try {
    return await Promise.race([work(), overtaken]);
  } finally {
    clearInterval(renewal);
    await releaseLease(pool, lease).catch(() => {});
  }
}

/** The same of several generations of a backfill, each of which may be enqueued by itself: in the order of their names. */
export function withSchemaLeases<T>(
  pool: Pool,
  names: readonly string[],
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const [first, ...rest] = names.toSorted();
  if (first === undefined) return work();
  return withSchemaLease(pool, first, what, () => withSchemaLeases(pool, rest, what, work));
}

/** Somebody who renews the lease is at work; a lease that nobody renews is waited for to its end. */
async function waitForLease(pool: Pool, lease: SchemaLease, times: typeof TIMES): Promise<void> {
  let before: string | null = null;
  while (!(await acquireLease(pool, lease, times.lease / 1000))) {
    const other = await leaseOf(pool, lease.backfill);
    if (other !== null && before !== null && other.until !== before) throw busy(lease, other.what);
    before = other?.until ?? before;
    await delay(times.look);
  }
}

const busy = ({ backfill }: SchemaLease, what: string): TransientError =>
  new TransientError(`Another ${what} of ${backfill} is under way.`, {
    code: 'ENQUEUE_BUSY',
    remedy: 'Wait for it to end; `pgvector-backfill status` shows the run.',
  });

const overtakenIn = ({ backfill, what }: SchemaLease): TransientError =>
  new TransientError(
    `This ${what} of ${backfill} stood still for so long that another process has taken over.`,
    {
      code: 'TURN_LOST',
      remedy: 'Wait for the other one to end, then do it again: what is done already stays done.',
    },
  );
