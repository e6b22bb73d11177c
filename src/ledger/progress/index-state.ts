/** The index of a run as the catalog has it now, beside what its builder noted last. */

import type { Queryable } from '../../db/pool.ts';
import type { Run } from '../run/run.ts';

/** As the finalizer notes it. */
const VALID = 'valid';
const GONE = 'dropped since it was built: `pgvector-backfill finalize` builds it again';
const NO_LONGER_VALID = 'no longer valid: `pgvector-backfill finalize` builds it again';

/** What is noted of a build beside a valid index begins so. */
export const REBUILD_PHASE = 'rebuild';

/** By a finalizer, as far as the ledger knows. */
export const isBeingBuilt = ({ state, indexPhase }: Pick<Run, 'state' | 'indexPhase'>): boolean =>
  state === 'finalizing' || indexPhase?.startsWith(REBUILD_PHASE) === true;

/** In a word or two: a valid one may be built again meanwhile. Null before there is any. */
export const indexWords = ({ valid, phase }: { valid: boolean; phase: string | null }): string | null =>
  valid ? (phase?.startsWith(REBUILD_PHASE) === true ? `${VALID}; ${phase}` : VALID) : phase;

export async function indexState(
  db: Queryable,
  run: Run,
): Promise<{ name: string | null; method: string | null; valid: boolean; phase: string | null }> {
  const noted = { method: run.indexMethod, phase: run.indexPhase };
  if (run.indexName === null) return { name: null, valid: false, ...noted };
  const found = await db.query<{ valid: boolean }>(
    `SELECT i.indisvalid AND i.indisready AS valid
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
       JOIN pgvector_backfill.backfill b ON b.name = $2 AND i.indrelid = to_regclass(coalesce(to_jsonb(b) ->> 'store_table', b.target_table))
      WHERE c.relname = $1`,
    [run.indexName, run.backfill],
  );
  const [index] = found.rows;
  const valid = index?.valid ?? false;
  // Its builder's last word; somebody else has had the last deed.
  const phase = noted.phase !== VALID || valid ? noted.phase : index === undefined ? GONE : NO_LONGER_VALID;
  return { name: run.indexName, valid, ...noted, phase };
}
