/** Runs: one planned pass over the table each. */

import type { TableGrowth, TableGrowthForecast } from './table-growth.ts';
import type { IndexMeasurements, IndexForecast } from './index-measurements.ts';
import type { Queryable } from '../../db/pool.ts';
import { utf8Json, utf8JsonSql, utf8, utf8Sql } from '../../db/utf8-text.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Scope } from './scope.ts';
import { keepSalt } from '../rows/text-salt.ts';

export const RUN_STATES = [
  'planned',
  'running',
  'paused',
  'finalizing',
  'verifying',
  'ready',
  'cut_over',
  'completed',
  'failed',
] as const;
export type RunState = (typeof RUN_STATES)[number];

/** States in which batches are worked on. A run that is over, or failed, leaves its late jobs alone. */
export const OPEN_STATES: readonly RunState[] = [
  'planned',
  'running',
  'finalizing',
  'verifying',
  'ready',
  'cut_over',
];

/** States in which captured changes are brought in line: for ever after, too. Not while paused, nor with a run that failed. */
export const SYNCED_STATES: readonly RunState[] = [...OPEN_STATES, 'completed'];

/** A session that the index build waits for. Never what it runs: a statement's text may hold the application's data. */
export interface IndexBlocker {
  /** 0 for a prepared transaction. */
  pid: number;
  /** application_name, or the kind of process where it gives none. */
  application: string;
  /** As in pg_stat_activity, such as `idle in transaction`. */
  state: string;
  waitEvent: string | null;
  /** Since when it is in that state; null where the role may not see it. */
  ageSeconds: number | null;
}

export interface Run {
  /** bigint, as text. */
  id: string;
  uid: string;
  backfill: string;
  state: RunState;
  reason: string;
  fingerprint: string;
  model: string;
  dimensions: number;
  /** What its vectors are made with, by the names of the options. */
  embedding: Record<string, string | number | boolean>;
  /** The options that it was planned for besides. */
  scope: Scope;
  /** pg_class.oid of the table that it was planned for, as text; null where an older release did. */
  tableOid: string | null;
  batchRows: number;
  rowsPlanned: number;
  batchesPlanned: number;
  planCursor: string | null;
  plannedAt: Date | null;
  startedAt: Date | null;
  embeddedAt: Date | null;
  finishedAt: Date | null;
  indexName: string | null;
  indexMethod: string | null;
  indexPhase: string | null;
  indexProgress: number | null;
  /** To the end of the phase that a build under way is at; null where nobody can tell. */
  indexSecondsLeft: number | null;
  indexSeconds: number | null;
  /** Null before a build. */
  indexForecast: IndexForecast | null;
  indexActual: IndexMeasurements | null;
  indexBlockers: IndexBlocker[];
  /** Since a finalizer last looked at the build; null before one did. */
  indexSeenSeconds: number | null;
  /** Null in runs that an older release planned; the actual also before the index build. */
  tableGrowthForecast: TableGrowthForecast | null;
  tableGrowthActual: TableGrowth | null;
  /** Of the merge; null before the first one. */
  longestStatementMs: number | null;
  /** Calls of the finalizer, and how many of them were answered when it last came to an end. */
  finalizerCalls: number;
  finalizerAnswered: number;
}

const COLUMNS = `id::text AS id, uid::text AS uid, backfill, state, reason, fingerprint, model, dimensions, embedding, scope, target::oid::text AS "tableOid", batch_rows AS "batchRows",
  rows_planned::float8 AS "rowsPlanned", batches_planned AS "batchesPlanned", plan_cursor AS "planCursor", planned_at AS "plannedAt",
  started_at AS "startedAt", embedded_at AS "embeddedAt", finished_at AS "finishedAt", index_name AS "indexName",
  index_method AS "indexMethod", index_phase AS "indexPhase", index_progress AS "indexProgress", index_seconds_left AS "indexSecondsLeft", index_seconds AS "indexSeconds",
  index_forecast AS "indexForecast", index_actual AS "indexActual", index_blockers AS "indexBlockers",
  extract(epoch FROM clock_timestamp() - index_seen_at)::float8 AS "indexSeenSeconds", table_growth_forecast AS "tableGrowthForecast", table_growth_actual AS "tableGrowthActual", longest_statement_ms AS "longestStatementMs",
  finalizer_calls AS "finalizerCalls", finalizer_answered AS "finalizerAnswered"`;

export async function latestRun(db: Queryable, backfill: string): Promise<Run | null> {
  const found = await db.query<Run>(
    `SELECT ${COLUMNS} FROM pgvector_backfill.run WHERE backfill = $1 ORDER BY run.id DESC LIMIT 1`,
    [backfill],
  );
  return found.rows[0] ?? null;
}

export async function findRun(db: Queryable, uid: string): Promise<Run | null> {
  const found = await db.query<Run>(`SELECT ${COLUMNS} FROM pgvector_backfill.run WHERE uid = $1`, [uid]);
  return found.rows[0] ?? null;
}

export interface NewRun {
  fingerprint: string;
  model: string;
  dimensions: number;
  embedding?: Run['embedding'];
  scope?: Scope;
  tableOid?: string;
  batchRows: number;
}

/** Settings are stored for the record, without anything that is a secret. */
export async function saveBackfill(
  db: Queryable,
  target: Target,
  settings: Record<string, unknown>,
): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings, expression_names)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (name) DO UPDATE SET target_table = excluded.target_table, key_column = excluded.key_column,
       stage_table = excluded.stage_table, settings = excluded.settings, expression_names = excluded.expression_names, updated_at = now()`,
    [
      target.backfill,
      target.table,
      target.key,
      target.stage,
      JSON.stringify(settings),
      JSON.stringify(target.names),
    ],
  );
}

/** Columns that were not on the legacy table before: the only ones that are ever dropped again. */
export async function noteAddedColumns(
  db: Queryable,
  backfill: string,
  columns: readonly string[],
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.backfill SET updated_at = clock_timestamp(), added_columns = ARRAY(SELECT DISTINCT unnest(added_columns || $2::text[]) ORDER BY 1)
      WHERE name = $1`,
    [backfill, columns],
  );
}

/** A sentence where the name is taken by a backfill of another table, or the table by another backfill; else null. */
export async function backfillClash(db: Queryable, target: Target): Promise<string | null> {
  const found = await db.query<{ name: string; target_table: string }>(
    `SELECT name, target_table FROM pgvector_backfill.backfill
      WHERE (name = $1 AND target_table <> $2) OR (name <> $1 AND (target_table = $2 OR stage_table = $3)) LIMIT 1`,
    [target.backfill, target.table, target.stage],
  );
  const other = found.rows[0];
  if (other === undefined) return null;
  return other.name === target.backfill
    ? `Backfill ${other.name} already exists, for table ${other.target_table}.`
    : `Table ${other.target_table} already has a backfill, ${other.name}; two would share its triggers and its index.`;
}

export async function createRun(db: Queryable, backfill: string, run: NewRun): Promise<Run> {
  await keepSalt(db, backfill, run.fingerprint);
  const created = await db.query<Run>(
    `INSERT INTO pgvector_backfill.run (backfill, fingerprint, model, dimensions, batch_rows, embedding, scope, target)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8::oid) RETURNING ${COLUMNS}`,
    [
      backfill,
      run.fingerprint,
      run.model,
      run.dimensions,
      run.batchRows,
      JSON.stringify(run.embedding ?? {}),
      JSON.stringify(run.scope ?? {}),
      run.tableOid ?? null,
    ],
  );
  return created.rows[0] as Run;
}

/** Of a run that goes on. */
export async function saveScope(db: Queryable, id: string, scope: Scope, tableOid: string): Promise<void> {
  await db.query('UPDATE pgvector_backfill.run SET scope = $2, target = $3::oid WHERE id = $1', [
    id,
    JSON.stringify(scope),
    tableOid,
  ]);
}

/** Moves a run to `state` only from one of `from`. @returns whether it did: of several workers one does. */
export async function moveRun(
  db: Queryable,
  id: string,
  from: readonly RunState[],
  state: RunState,
  reason: string,
): Promise<boolean> {
  const moved = await db.query(
    `UPDATE pgvector_backfill.run
        SET state = $3, reason = said.reason,
            started_at = CASE WHEN $3 = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
            finished_at = CASE WHEN $3 IN ('ready', 'completed', 'failed') THEN now()
                               WHEN $3 = 'cut_over' THEN coalesce(finished_at, now()) END
       FROM (SELECT ${utf8Sql('$4')} AS reason) said
      WHERE id = $1 AND state = ANY ($2) AND (state, run.reason) IS DISTINCT FROM ($3, said.reason)`,
    [id, from, state, utf8(reason)],
  );
  return moved.rowCount === 1;
}

/** @returns whether it did; a run that is paused already keeps its first reason. */
export async function pauseRun(
  db: Queryable,
  id: string,
  from: readonly RunState[],
  reason: string,
): Promise<boolean> {
  const paused = await db.query(
    `UPDATE pgvector_backfill.run SET paused_from = state, state = 'paused', reason = ${utf8Sql('$3')} WHERE id = $1 AND state = ANY ($2)`,
    [id, from, utf8(reason)],
  );
  return paused.rowCount === 1;
}

/** Back to where it was; a run that failed, or was in the middle of something, begins that again as running. */
export async function unpauseRun(db: Queryable, id: string): Promise<boolean> {
  const resumed = await db.query(
    `UPDATE pgvector_backfill.run SET state = CASE WHEN paused_from IN ('ready', 'cut_over') THEN paused_from ELSE 'running' END,
            reason = '', paused_from = NULL, finished_at = CASE WHEN paused_from IN ('ready', 'cut_over') THEN finished_at END
      WHERE id = $1 AND state IN ('paused', 'failed')`,
    [id],
  );
  return resumed.rowCount === 1;
}

export async function setRunReason(db: Queryable, id: string, reason: string): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.run SET reason = ${utf8Sql('$2')} WHERE id = $1 AND reason <> ${utf8Sql('$2')}`,
    [id, utf8(reason)],
  );
}

/** Older runs of the backfill that are still open: their jobs will find that they are over. */
export async function supersedeRuns(db: Queryable, backfill: string, newest: string): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.run SET state = 'completed', reason = 'superseded by run ' || $2, finished_at = coalesce(finished_at, now())
      WHERE backfill = $1 AND id < $2::bigint AND state <> 'completed'`,
    [backfill, newest],
  );
}

export interface IndexProgress {
  name: string;
  method: string;
  phase: string | null;
  /** 0 to 1; null where the phase has no measure. */
  progress: number | null;
  seconds: number | null;
  /** To the end of the phase. */
  secondsLeft?: number | null;
  blockers?: readonly IndexBlocker[];
}

export async function saveIndexProgress(db: Queryable, id: string, index: IndexProgress): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.run SET index_name = $2, index_method = $3, index_phase = $4, index_progress = $5,
            index_seconds = coalesce($6, index_seconds), index_blockers = ${utf8JsonSql('$7')}, index_seconds_left = $8, index_seen_at = clock_timestamp() WHERE id = $1`,
    [
      id,
      index.name,
      index.method,
      index.phase,
      index.progress,
      index.seconds,
      utf8Json(index.blockers ?? []),
      index.secondsLeft ?? null,
    ],
  );
}

/** A run that stopped goes on: the operator says that the fault is repaired. */
export async function reopenFailedRun(db: Queryable, id: string): Promise<void> {
  await moveRun(db, id, ['failed'], 'running', '');
}
