/** One bounded statement that reads every sign of trouble that PostgreSQL itself knows of. */

import { operatorRegclassSql } from '../db/search-path.ts';
import { treeSql } from '../table/partitions.ts';

/** What the role may look at; a monitoring role has all of it. */
export interface Rights {
  /** Others' sessions, replicas and vacuums. */
  stats: boolean;
  /** Files that wait for the archiver. */
  archiveFiles: boolean;
  /** Where the data directory is. */
  settings: boolean;
}

export const RIGHTS_SQL = `SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS stats,
       pg_has_role('pg_read_all_settings', 'USAGE') AS settings,
       has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS "archiveFiles"`;

/** Positions and sizes in bytes, times in seconds. */
export interface HealthRow {
  /** Replicas of which the role sees nothing but that they are there. */
  hiddenReplicas: number;
  replicaLag: number | null;
  replicaLagBytes: number | null;
  slotBacklog: number | null;
  archiveBacklog: number | null;
  /** Written so far, since the cluster was made. */
  wal: number;
  /** The server's clock. */
  at: number;
  /** 0 none, 1 one, 2 one to prevent wraparound; null without the right to see it. */
  autovacuum: number | null;
  lockWaiters: number;
  /** Others' sessions at work as a share of max_connections; null without the right to see it. */
  activeSessions: number | null;
  dataDirectory: string | null;
  port: number;
  startedAt: number;
}

/**
 * Counted on the spot where that is allowed; else the distance from the last file that was archived to the one that is
 * written, a file of it being under way. A function that may not be called fails the statement even where it is not
 * reached, so it must not stand in the text.
 */
const archiveSql = (rights: Rights): string => `CASE WHEN current_setting('archive_mode') = 'off' THEN 0
      ${
        rights.archiveFiles
          ? `ELSE (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready')`
          : `ELSE (SELECT greatest(floor(pg_wal_lsn_diff(here.lsn, '0/0') / s.bytes)
                                   - ('x' || substr(last_archived_wal, 9, 8))::bit(32)::bigint * (4294967296 / s.bytes)
                                   - ('x' || substr(last_archived_wal, 17, 8))::bit(32)::bigint - 1, 0)
                     FROM pg_stat_archiver, (SELECT pg_size_bytes(current_setting('wal_segment_size')) AS bytes) s
                    WHERE last_archived_wal ~ '^[0-9A-F]{24}$')`
      } END::float8`;

/**
 * $1 the legacy table, quoted. Our own sessions do not count: they are what is held.
 * Whoever waits for a row waits for a transaction and has the row's tuple lock; whoever comes second waits for that one.
 * A replica that has everything may still show the lag of its last report.
 */
export function healthSql(rights: Rights): string {
  return `WITH here AS MATERIALIZED (
    SELECT pg_current_wal_lsn() AS lsn,
           (SELECT oid FROM pg_database WHERE datname = current_database()) AS database),
  relations AS MATERIALIZED (
    SELECT relid AS oid FROM ${treeSql(`${operatorRegclassSql('$1')}::regclass`)} tree WHERE relid IS NOT NULL),
  sessions AS MATERIALIZED (
    SELECT pid, backend_type, state, application_name LIKE 'pgvector-backfill %' AS own,
           CASE WHEN backend_type = 'autovacuum worker' THEN query END AS query FROM pg_stat_activity),
  replicas AS MATERIALIZED (
    SELECT state, coalesce(replay_lsn, flush_lsn) AS reached, replay_lag
      FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup'),
  locks AS MATERIALIZED (
    SELECT pid, locktype, granted, coalesce(l.relation IN (SELECT oid FROM relations) AND l.database = here.database, false) AS ours
      FROM pg_locks l, here WHERE NOT granted OR (l.relation IN (SELECT oid FROM relations) AND l.database = here.database))
  SELECT (SELECT count(*) FROM replicas WHERE state IS NULL)::int AS "hiddenReplicas",
    (SELECT coalesce(max(CASE WHEN reached >= here.lsn THEN 0 ELSE extract(epoch FROM replay_lag) END), 0) FROM replicas)::float8 AS "replicaLag",
    (SELECT coalesce(max(pg_wal_lsn_diff(here.lsn, reached)), 0) FROM replicas)::float8 AS "replicaLagBytes",
    (SELECT coalesce(max(pg_wal_lsn_diff(here.lsn, restart_lsn)), 0) FROM pg_replication_slots)::float8 AS "slotBacklog",
    ${archiveSql(rights)} AS "archiveBacklog",
    pg_wal_lsn_diff(here.lsn, '0/0')::float8 AS wal, extract(epoch FROM clock_timestamp())::float8 AS at,
    ${
      rights.stats
        ? `(SELECT coalesce(max(CASE WHEN s.query LIKE '%(to prevent wraparound)%' THEN 2 ELSE 1 END), 0)
       FROM pg_stat_progress_vacuum v JOIN sessions s USING (pid)
      WHERE s.backend_type = 'autovacuum worker' AND v.datname = current_database()
        AND v.relid IN (SELECT oid FROM relations UNION SELECT c.reltoastrelid FROM pg_class c JOIN relations USING (oid)))`
        : 'NULL'
    }::float8 AS autovacuum,
    (SELECT count(DISTINCT w.pid) FROM locks w LEFT JOIN sessions s USING (pid)
      WHERE NOT w.granted AND s.own IS NOT TRUE
        AND (w.ours OR (w.locktype = 'transactionid' AND EXISTS (
          SELECT 1 FROM locks t WHERE t.pid = w.pid AND t.locktype = 'tuple' AND t.granted AND t.ours))))::float8 AS "lockWaiters",
    ${
      rights.stats
        ? `(SELECT count(*) / current_setting('max_connections')::float8 FROM sessions
      WHERE backend_type = 'client backend' AND state = 'active' AND own IS NOT TRUE)`
        : 'NULL'
    }::float8 AS "activeSessions",
    ${rights.settings ? `current_setting('data_directory')` : 'NULL'}::text AS "dataDirectory",
    current_setting('port')::int AS port, extract(epoch FROM pg_postmaster_start_time())::float8 AS "startedAt"
  FROM here`;
}
