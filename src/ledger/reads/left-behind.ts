/** Applications that do not answer by the generation that is live, as far as they have said. */

import type { Queryable } from '../../db/pool.ts';
import { REPORT_HOURS } from './read-report.ts';

export interface LeftBehind {
  host: string;
  /** Code of the error for which it cannot answer by the live generation; null where it has never said that it can. */
  fault: string | null;
  hours: number;
}

/** `ready()` tries the live generation, then those that reads may come back to: with two models to load, reports lie apart. */
const APART_MINUTES = 10;

/**
 * Machines that have said within a day that they are ready for generation `name`, and neither then nor since that they are for
 * `live`, as an old package does; and those that have said that they cannot be, and answer by the generation before.
 */
export async function leftBehind(db: Queryable, name: string, live: string): Promise<LeftBehind[]> {
  const found = await db.query<LeftBehind>(
    `SELECT coalesce(now_live.host, before.host) AS host, now_live.fault,
            extract(epoch FROM clock_timestamp() - greatest(before.reported_at, now_live.reported_at))::float8 / 3600 AS hours
       FROM (SELECT host, reported_at FROM pgvector_backfill.read_report WHERE backfill = $1 AND fault IS NULL) before
       FULL JOIN (SELECT host, reported_at, fault FROM pgvector_backfill.read_report WHERE backfill = $2) now_live USING (host)
      WHERE greatest(before.reported_at, now_live.reported_at) > clock_timestamp() - make_interval(hours => $3)
        AND (now_live.host IS NULL OR now_live.fault IS NOT NULL OR now_live.reported_at < before.reported_at - make_interval(mins => $4))
      ORDER BY 1`,
    [name, live, REPORT_HOURS, APART_MINUTES],
  );
  return found.rows;
}
