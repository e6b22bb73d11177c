/** Rows in quarantine whose vector the table did not let go: searches find them by a text or a model of before. */

import { quarantinedWithVector } from '../../ledger/rows/quarantine.ts';
import { readingOfRun, withReadableRows } from '../../pipeline/unreadable-rows.ts';
import { rowStatesSql } from '../../ledger/rows/row-state.ts';
import type { KeyRange } from '../../table/key-range.ts';
import type { Check } from '../check.ts';
import type { VerifyInput } from '../input.ts';

/** Keys of one look. */
const PAGE_KEYS = 5000;

export async function checkQuarantinedVectors(
  input: Pick<VerifyInput, 'pool' | 'target' | 'run'>,
): Promise<Check> {
  const count = await countKept(input);
  return {
    name: 'kept-vectors',
    passed: count === 0,
    value: count,
    threshold: 0,
    detail:
      count === 0
        ? 'no row in quarantine has a vector'
        : `${count} rows in quarantine keep the vector of an earlier text or model, as the table refuses the UPDATE: searches find them by it`,
    remedy:
      count === 0
        ? null
        : 'See `pgvector-backfill status` for who refuses; let the table take the UPDATE, then run `pgvector-backfill retry --quarantined`.',
  };
}

async function countKept({
  pool,
  target,
  run,
}: Pick<VerifyInput, 'pool' | 'target' | 'run'>): Promise<number> {
  let count = 0;
  for (let after = ''; ;) {
    const keys = await quarantinedWithVector(pool, target.backfill, after, PAGE_KEYS);
    if (keys.length > 0) {
      const range: KeyRange = { lower: null, upper: null, keys };
      count += await withReadableRows(readingOfRun(pool, target, run), range, async () => {
        const values: unknown[] = [];
        const states = rowStatesSql(target, run.fingerprint, range, values);
        const found = await pool.query<{ count: number }>(
          `SELECT count(*)::float8 AS count FROM (${states}) rows WHERE state = 'quarantined' AND has_vector`,
          values,
        );
        return found.rows[0]?.count ?? 0;
      });
    }
    if (keys.length < PAGE_KEYS) return count;
    after = keys.at(-1) ?? after;
  }
}
