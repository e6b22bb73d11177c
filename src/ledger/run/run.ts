/** Runs: one planned pass over the table each. */

import type { IndexBlocker } from './index-progress.ts';
import type { TableGrowth, TableGrowthForecast } from './table-growth.ts';
import type { IndexMeasurements, IndexForecast } from './index-measurements.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Scope } from './scope.ts';
import type { Adoption } from './adoption.ts';
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

/** States of a run that is verified and has its index: reads may go by it. */
export const READY_STATES: readonly RunState[] = ['ready', 'cut_over', 'completed'];

/** Of a run whose index is there, whether it has passed its gate or waits for it. */
export const INDEXED_STATES: readonly RunState[] = ['verifying', ...READY_STATES];

/** @param run null before the first one; an earlier release tells no state of it */
export const isReadyRun = (run: Partial<Pick<Run, 'state'>> | null): boolean =>
  run?.state !== undefined && READY_STATES.includes(run.state);

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
  /** Vectors that it takes over; null where it embeds every row. */
  adoption: Adoption | null;
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

const COLUMNS = `id::text AS id, uid::text AS uid, backfill, state, reason, fingerprint, model, dimensions, embedding, scope, adoption, target::oid::text AS "tableOid", batch_rows AS "batchRows",
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
  adoption?: Adoption | null;
  batchRows: number;
}

export async function createRun(db: Queryable, backfill: string, run: NewRun): Promise<Run> {
  await keepSalt(db, backfill, run.fingerprint);
  const created = await db.query<Run>(
    `INSERT INTO pgvector_backfill.run (backfill, fingerprint, model, dimensions, batch_rows, embedding, scope, target, adoption)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8::oid, $9) RETURNING ${COLUMNS}`,
    [
      backfill,
      run.fingerprint,
      run.model,
      run.dimensions,
      run.batchRows,
      JSON.stringify(run.embedding ?? {}),
      JSON.stringify(run.scope ?? {}),
      run.tableOid ?? null,
      run.adoption == null ? null : JSON.stringify(run.adoption),
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
