/** Server settings of vector searches, kept in the ledger: what `verify` has measured is what reads use. */

import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';

const NAMES = [
  'hnsw.ef_search',
  'hnsw.iterative_scan',
  'hnsw.max_scan_tuples',
  'ivfflat.probes',
  'ivfflat.iterative_scan',
] as const;
type Name = (typeof NAMES)[number];

/** Setting → value, as SHOW gives it. What is absent is left to the server. */
export type ReadSettings = Readonly<Partial<Record<Name, string>>>;

/** Iterative scans exist since pgvector 0.8.0; IVFFlat has no strict order. */
export const ITERATIVE_SCANS = ['off', 'relaxed_order', 'strict_order'] as const;
export type IterativeScan = (typeof ITERATIVE_SCANS)[number];

/** Of the backfill; empty where nothing was measured or there is no ledger. */
export const loadReadSettings = async (db: Queryable, backfill: string): Promise<ReadSettings> =>
  knownReadSettings(await loadStoredReads(db, backfill));

/** All that is kept of reads, by its name in the ledger. */
export async function loadStoredReads(db: Queryable, backfill: string): Promise<Record<string, unknown>> {
  const found = await db
    .query<{ settings: Record<string, unknown> }>(
      `SELECT read_settings AS settings FROM ${LEDGER_SCHEMA}.backfill WHERE name = $1`,
      [backfill],
    )
    .catch((error: unknown) => {
      // A ledger of an older release, or none yet: a search must not depend on it.
      if (hasSqlState(error, SQLSTATE.schemaMissing, SQLSTATE.tableMissing, SQLSTATE.columnMissing))
        return { rows: [] };
      throw error;
    });
  return found.rows[0]?.settings ?? {};
}

/** What is stored under other names is not set. */
export const knownReadSettings = (stored: Record<string, unknown>): ReadSettings =>
  Object.fromEntries(
    NAMES.flatMap((name) => (typeof stored[name] === 'string' ? [[name, stored[name]]] : [])),
  );

export async function saveReadSettings(
  db: Queryable,
  backfill: string,
  settings: ReadSettings,
): Promise<void> {
  await db.query(
    `UPDATE ${LEDGER_SCHEMA}.backfill SET read_settings = (read_settings - $3::text[]) || $2::jsonb WHERE name = $1`,
    [backfill, JSON.stringify(settings), NAMES],
  );
}

/** pgvector's own. */
const EF_SEARCH = 40;
export const MAX_EF_SEARCH = 1000;

/** For `k` rows: an HNSW scan gives no more rows than its list of candidates holds. */
export function forDepth(read: ReadSettings, k: number): ReadSettings {
  const present = Number(read['hnsw.ef_search'] ?? EF_SEARCH);
  return k <= present ? read : { ...read, 'hnsw.ef_search': String(Math.min(k, MAX_EF_SEARCH)) };
}
