/** How far an index build is, and whom it waits for. */

import type { Queryable } from '../../db/pool.ts';
import type { IndexBlocker } from '../../ledger/run/index-progress.ts';
import { treeSql } from '../../table/partitions.ts';
import type { Target } from '../../table/backfill-target.ts';

export interface BuildProgress {
  phase: string;
  /** 0 to 1; null where the phase has no measure. HNSW counts blocks, IVFFlat tuples. */
  share: number | null;
  /** Sessions that the build waits for; empty where it waits for none. */
  blockers: IndexBlocker[];
  /** Parallel workers beside the session itself. */
  workers: number;
}

export interface BuildCounters {
  phase: string;
  blocksDone: number;
  blocksTotal: number;
  tuplesDone: number;
  tuplesTotal: number;
}

export interface BuildUnderWay extends BuildCounters {
  pid: number;
  workers: number;
  /** Of its statement; null where the role may not see it. */
  ageSeconds: number | null;
  /** Of the vector column, and not of another one of the table; false where the server does not say yet. */
  isOurs: boolean;
}

/**
 * The build under way on the table or a part of it, of whatever index, as a table takes one at a time; null where there is none.
 * @param by process that it is to be of; of any where absent
 */
export async function buildUnderWay(
  db: Queryable,
  target: Target,
  by: number | null = null,
): Promise<BuildUnderWay | null> {
  const found = await db.query<BuildUnderWay>(
    `SELECT p.pid, phase, blocks_done::float8 AS "blocksDone", blocks_total::float8 AS "blocksTotal",
            tuples_done::float8 AS "tuplesDone", tuples_total::float8 AS "tuplesTotal",
            (SELECT count(*)::int FROM pg_stat_activity w WHERE w.leader_pid = p.pid AND w.pid <> p.pid) AS workers,
            extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS "ageSeconds",
            EXISTS (SELECT 1 FROM pg_depend d JOIN pg_attribute c ON c.attrelid = d.refobjid AND c.attnum = d.refobjsubid
                     WHERE d.classid = 'pg_class'::regclass AND d.objid = p.index_relid AND d.refclassid = 'pg_class'::regclass
                       AND d.refobjid = p.relid AND c.attname = $2) AS "isOurs"
       FROM pg_stat_progress_create_index p LEFT JOIN pg_stat_activity a ON a.pid = p.pid
      WHERE p.datname = current_database() AND p.relid IN ${treeSql('to_regclass($1)')} AND p.pid = coalesce($3, p.pid)
      ORDER BY p.pid LIMIT 1`,
    [target.store.table, target.store.column, by],
  );
  return found.rows[0] ?? null;
}

/** The vacuum that process is at, before its build; null where it is at none. */
export async function vacuumUnderWay(
  db: Queryable,
  pid: number,
): Promise<{ phase: string; share: number | null } | null> {
  const found = await db.query<{ phase: string; share: number | null }>(
    `SELECT 'vacuum: ' || phase AS phase,
            CASE WHEN phase = 'scanning heap' THEN heap_blks_scanned::float8 / nullif(heap_blks_total, 0) END AS share
       FROM pg_stat_progress_vacuum WHERE pid = $1`,
    [pid],
  );
  return found.rows[0] ?? null;
}

/**
 * IVFFlat reads the table (blocks), then loads its sorted tuples while the counters of the blocks stand at their end: tuples
 * go first. While it waits, the counters are of the phase before.
 */
export function shareOf({
  phase,
  blocksDone,
  blocksTotal,
  tuplesDone,
  tuplesTotal,
}: BuildCounters): number | null {
  if (phase.startsWith('waiting')) return null;
  if (tuplesTotal > 0) return Math.min(1, tuplesDone / tuplesTotal);
  return blocksTotal > 0 ? Math.min(1, blocksDone / blocksTotal) : null;
}

/**
 * Whom that process waits for: by its locks, and by what the view says of transactions older than the build. Of a session's
 * statement nothing is read: its text may hold the application's data.
 */
export async function blockersOf(db: Queryable, pid: number): Promise<IndexBlocker[]> {
  return sessionsOf(
    db,
    `SELECT unnest(pg_blocking_pids($1::int)) UNION
             SELECT current_locker_pid::int FROM pg_stat_progress_create_index
              WHERE pid = $1 AND phase LIKE 'waiting%' AND current_locker_pid <> 0`,
    pid,
  );
}

/** That process itself, as whom another one waits for. */
export const sessionOf = (db: Queryable, pid: number): Promise<IndexBlocker[]> =>
  sessionsOf(db, 'SELECT $1::int', pid);

async function sessionsOf(db: Queryable, pids: string, pid: number): Promise<IndexBlocker[]> {
  const found = await db.query<IndexBlocker>(
    `SELECT b.pid, coalesce(nullif(a.application_name, ''), a.backend_type, '') AS application,
            CASE WHEN b.pid = 0 THEN 'prepared transaction' ELSE coalesce(a.state, 'unknown') END AS state,
            a.wait_event AS "waitEvent", extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS "ageSeconds"
       FROM (${pids}) b(pid)
       LEFT JOIN pg_stat_activity a ON a.pid = b.pid ORDER BY b.pid`,
    [pid],
  );
  return found.rows;
}

/** "building index: loading tuples 40 %" */
export function describeProgress({ phase, share }: BuildProgress): string {
  return share === null ? phase : `${phase} ${Math.floor(share * 100)} %`;
}

/** "waits for pid 123 (psql), idle in transaction for 35 s"; empty where the build waits for nobody. */
export function describeBlockers(blockers: readonly IndexBlocker[]): string {
  if (blockers.length === 0) return '';
  const each = blockers.map(({ pid, application, state, waitEvent, ageSeconds }) => {
    if (pid === 0) return 'a prepared transaction (pg_prepared_xacts)';
    const name = application === '' ? '' : ` (${application})`;
    const age = ageSeconds === null ? '' : ` for ${Math.round(ageSeconds)} s`;
    const event = state === 'active' && waitEvent !== null ? `, itself in ${waitEvent}` : '';
    return `pid ${pid}${name}, ${state}${age}${event}`;
  });
  return `waits for ${each.join('; ')}`;
}
