/** The whole table by its rows' states: in pages, each a short statement, and whoever was killed is gone on from. */

import { BackfillError } from '../errors.ts';
import { accountFor, accountForGate, type LiveAccounting } from '../ledger/rows/accounting.ts';
import { beginCount, endCount, saveCount, type CountPurpose } from '../ledger/rows/count-position.ts';
import { pageEndKey } from '../table/page-end-key.ts';
import type { KeyRange } from '../table/key-range.ts';
import { withReadableRows, type Reading } from './unreadable-rows.ts';

/** Rows of one statement: about a tenth of a second, of short texts. */
const PAGE_ROWS = 10_000;

export interface CountOptions {
  purpose: CountPurpose;
  /** Between two pages: whether to go on, as `Throttle.pass`. */
  pass?: (() => Promise<boolean>) | undefined;
  pageRows?: number;
}

const NOTHING: LiveAccounting = {
  eligible: 0,
  embedded: 0,
  skipped: 0,
  quarantined: 0,
  stale: 0,
  missing: 0,
  truncated: 0,
  adopted: 0,
  passages: 0,
  captured: 0,
};

export const isStopped = (error: unknown): boolean =>
  error instanceof BackfillError && error.code === 'RUN_STOPPED';

/**
 * Each page is of one moment, rows and captured changes alike; two pages are not. A row that is written meanwhile is
 * captured, wherever the count is.
 * @throws BackfillError `RUN_STOPPED` where `pass` says so
 */
export async function countTable(
  reading: Reading,
  { purpose, pass = () => Promise.resolve(true), pageRows = PAGE_ROWS }: CountOptions,
): Promise<LiveAccounting> {
  const { pool, target, claim } = reading;
  const state = await beginCount(pool, target.backfill, purpose, claim.run);
  // What an older release has begun to count lacks what it did not know of.
  let counts: LiveAccounting = { ...NOTHING, ...state.counts };
  for (let lower = state.from; ;) {
    if (!(await pass()))
      throw new BackfillError('The run was stopped while its rows were counted.', { code: 'RUN_STOPPED' });
    const upper = await pageEndKey(pool, target, { lower, upper: null }, pageRows);
    counts = sum(counts, await countPage(reading, { lower, upper }));
    if (upper === null) break;
    lower = upper;
    await saveCount(pool, target.backfill, purpose, { token: state.token, from: lower, counts });
  }
  await endCount(pool, target.backfill, purpose, state.token);
  return counts;
}

/** Captured changes are asked for only where rows are open: of most pages there are none. */
function countPage(reading: Reading, range: KeyRange): Promise<LiveAccounting> {
  const { pool, target, fingerprint } = reading;
  return withReadableRows(reading, range, async () => {
    const rows = await accountFor(pool, target, fingerprint, range);
    if (rows.missing + rows.stale === 0) return { ...rows, captured: 0 };
    return accountForGate(pool, target, fingerprint, range);
  });
}

const sum = (a: LiveAccounting, b: LiveAccounting): LiveAccounting => ({
  eligible: a.eligible + b.eligible,
  embedded: a.embedded + b.embedded,
  skipped: a.skipped + b.skipped,
  quarantined: a.quarantined + b.quarantined,
  stale: a.stale + b.stale,
  missing: a.missing + b.missing,
  truncated: a.truncated + b.truncated,
  adopted: a.adopted + b.adopted,
  passages: a.passages + b.passages,
  captured: a.captured + b.captured,
});
