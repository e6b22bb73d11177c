/** What applications have said of themselves by `ready()`, before reads are moved over to vectors. */

import type { Queryable } from '../db/pool.ts';
import { readReports, type ReadReport } from '../ledger/reads/read-report.ts';
import type { WantedReads } from '../ledger/reads/read-mode.ts';
import type { Run } from '../ledger/run/run.ts';

export interface ReaderReports {
  reports: ReadReport[];
  /** Why reads must not move yet; null where nothing was reported against it. */
  refusal: string | null;
  note: string | null;
}

/** Of shadow reads nothing is asked: whatever fails there is counted, and no caller meets it. */
export async function readerReports(db: Queryable, run: Run, to: WantedReads): Promise<ReaderReports> {
  if (to.mode === 'legacy' || to.mode === 'shadow') return { reports: [], refusal: null, note: null };
  const reports = await readReports(db, run.backfill);
  const refusals = reports.flatMap((report) => refusalOf(report, run));
  return {
    reports,
    refusal: refusals.length === 0 ? null : refusals.join('; '),
    note:
      reports.length === 0
        ? 'no application has reported that it can answer by vectors: have each await `ready()` of its search when it starts'
        : `reported that they can answer by vectors: ${reports.length - refusals.length} of ${reports.length} machines in 24 hours`,
  };
}

function refusalOf({ host, fault, fingerprint }: ReadReport, run: Run): string[] {
  if (fault !== null) return [`the application on ${host} cannot answer by vectors (${fault})`];
  if (fingerprint !== run.fingerprint)
    return [`the application on ${host} was last ready for the model of an earlier run`];
  return [];
}
