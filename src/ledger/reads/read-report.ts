/** What applications report of themselves before reads are moved over to vectors: one row a machine. */

import type { Queryable } from '../../db/pool.ts';

export interface ReadReport {
  host: string;
  /** Of the model that it was asked to answer by. */
  fingerprint: string;
  /** Code of the error for which it cannot; null where it can. */
  fault: string | null;
  /** Model and one search together. */
  ms: number;
}

/** Nothing where the backfill is gone. */
export async function saveReadReport(db: Queryable, backfill: string, report: ReadReport): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.read_report (backfill, host, fingerprint, fault, ms)
     SELECT name, $2, $3, $4, $5 FROM pgvector_backfill.backfill WHERE name = $1
     ON CONFLICT (backfill, host) DO UPDATE SET fingerprint = excluded.fingerprint, fault = excluded.fault, ms = excluded.ms,
       reported_at = clock_timestamp()`,
    [backfill, report.host, report.fingerprint, report.fault, report.ms],
  );
}

/** A machine that has said nothing for so long has been replaced by another, hours. */
export const REPORT_HOURS = 24;

/** Of the machines that have reported lately, those that cannot first. */
export async function readReports(
  db: Queryable,
  backfill: string,
): Promise<(ReadReport & { minutes: number })[]> {
  const found = await db.query<ReadReport & { minutes: number }>(
    `SELECT host, fingerprint, fault, ms, extract(epoch FROM now() - reported_at)::float8 / 60 AS minutes
       FROM pgvector_backfill.read_report
      WHERE backfill = $1 AND reported_at > now() - make_interval(hours => $2)
      ORDER BY fault IS NULL, reported_at DESC`,
    [backfill, REPORT_HOURS],
  );
  return found.rows;
}
