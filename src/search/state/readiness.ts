/** Whether this machine can answer by vectors, tried before the reads are moved over, and told to the ledger. */

import { hostname } from 'node:os';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, codeOf, hasSqlState } from '../../db/sqlstates.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { saveReadReport } from '../../ledger/reads/read-report.ts';

export interface Readiness {
  model: string;
  dimensions: number;
  /** To load the model where it was not loaded yet, and for one search by it, both together. */
  milliseconds: number;
  /** The ledger has taken the report: `cutover` shows it. False without the right to write there. */
  reported: boolean;
}

/**
 * `prove` loads the model and searches by it.
 * @throws what `prove` throws, once it is reported
 */
export async function reportReadiness(
  db: Queryable,
  backfill: string,
  fingerprint: string,
  prove: () => Promise<Embedder>,
): Promise<Readiness> {
  const started = performance.now();
  const report = async (fault: string | null): Promise<{ reported: boolean; milliseconds: number }> => {
    const milliseconds = performance.now() - started;
    const row = { host: hostname(), fingerprint, fault, ms: milliseconds };
    return { reported: await isTaken(saveReadReport(db, backfill, row)), milliseconds };
  };
  let embedder: Embedder;
  try {
    embedder = await prove();
  } catch (error) {
    await report(codeOf(error) ?? 'UNEXPECTED').catch(() => {});
    throw error;
  }
  return { model: embedder.model, dimensions: embedder.dimensions, ...(await report(null)) };
}

/** A role that may not write, a server that takes no writes, a ledger of an older release: the machine is ready all the same. */
async function isTaken(writing: Promise<void>): Promise<boolean> {
  const { privilege, tableMissing, schemaMissing, readOnly } = SQLSTATE;
  try {
    await writing;
    return true;
  } catch (error) {
    if (hasSqlState(error, privilege, tableMissing, schemaMissing, readOnly)) return false;
    throw error;
  }
}
