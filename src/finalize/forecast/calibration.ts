/**
 * How long an index build takes on this server: a small one of the same kind on a temporary table, scaled up. It writes no
 * WAL and locks nothing of the legacy table, and builds without parallel workers, as temporary tables do.
 */

import type pg from 'pg';
import { quoteName } from '../../db/identifiers.ts';
import type { Pool } from '../../db/pool.ts';
import { rowSecurityOf } from '../../db/pool-session.ts';
import { openingSql } from '../../db/session-settings.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import type { IndexPlan } from '../../table/index-plan.ts';
import { distanceOperator, type Metric } from '../../table/metric.ts';
import { indexedSql, typeSql } from '../../table/distance.ts';
import { withIndex, type Target } from '../../table/backfill-target.ts';
import { operatorClass } from '../../table/vector-type.ts';
import { ivfflatLists, ivfflatSamples } from './index-size.ts';

export interface CalibrationInput {
  pool: Pool;
  target: Target;
  plan: IndexPlan;
  metric: Metric;
  dimensions: number;
  m: number;
  efConstruction: number;
  /** Of IVFFlat; by the rows where absent. */
  lists?: number | undefined;
  /** Rows of the index that the forecast is for. */
  rows: number;
  /** Vectors of the table, or drawn at random where there are none yet. */
  source: 'table' | 'random';
  /** Hears why it could not be measured, where that was not to be expected. */
  onUnmeasured?: ((error: unknown) => void) | undefined;
  /** How long the small build may take, ms. */
  buildLimitMs?: number | undefined;
}

/** Enough to see the distances' cost, few enough for a second or two: 2 million numbers. */
const SAMPLED_NUMBERS = 2_000_000;
const MIN_SAMPLE = 500;
const MAX_SAMPLE = 5000;
const TABLE = 'pgvb_calibration';

const LIMITS = { lockTimeoutMs: 1000, statementTimeoutMs: 20_000 };

/**
 * Seconds, at the least where the small build reaches its limit; null where it cannot be measured: this role may make no
 * temporary table, or the server refuses it.
 */
export async function calibrate(input: CalibrationInput): Promise<number | null> {
  const { plan, rows, buildLimitMs = LIMITS.statementTimeoutMs } = input;
  const client = await input.pool.connect();
  let sampled = 0;
  try {
    await client.query(openingSql(LIMITS, 'own', rowSecurityOf(input.pool)?.opening, true, true));
    await client.query(`SET LOCAL maintenance_work_mem = '256MB'; SET LOCAL client_min_messages = 'error'`);
    sampled = await drawSample(client, input);
    if (sampled < MIN_SAMPLE) return null;
    await client.query(`SET LOCAL statement_timeout = ${Math.round(buildLimitMs)}`);
    const seconds = await timed(client, buildSql(input));
    if (plan.method === 'hnsw') return hnswSeconds(rows, sampled, seconds);
    return ivfflatSeconds(input, sampled, seconds, await distanceSeconds(client, input, sampled));
  } catch (error) {
    if (hasSqlState(error, SQLSTATE.queryCanceled) && sampled > 0)
      return plan.method === 'hnsw' ? hnswSeconds(rows, sampled, buildLimitMs / 1000) : buildLimitMs / 1000;
    // A forecast is not worth more than what it is for: whoever needs the server next finds out whether it is there.
    if (!hasSqlState(error, SQLSTATE.privilege, SQLSTATE.queryCanceled)) input.onUnmeasured?.(error);
    return null;
  } finally {
    await client.query('ROLLBACK').catch(() => {});
    client.release();
  }
}

async function drawSample(client: pg.PoolClient, input: CalibrationInput): Promise<number> {
  const { target, plan, dimensions, rows, source } = input;
  const planned = { ...withIndex(target, plan), dimensions };
  const indexed = (vector: string): string => indexedSql(planned, vector) ?? vector;
  const wanted = Math.max(MIN_SAMPLE, Math.min(MAX_SAMPLE, Math.floor(SAMPLED_NUMBERS / dimensions)));
  const column = quoteName(target.store.column);
  const vectors =
    source === 'table'
      ? `SELECT ${indexed(column)} AS v FROM ${target.store.table} WHERE ${column} IS NOT NULL LIMIT $1`
      : `SELECT ${indexed(`(SELECT array_agg(random() - 0.5) FROM generate_series(1, ${dimensions}) WHERE n > 0)::real[]::${target.vectorPrefix}vector::${target.vectorPrefix}${target.columnType}`)} AS v
           FROM generate_series(1, $1::int) AS g (n)`;
  await client.query(
    `CREATE TEMP TABLE ${TABLE} (v ${typeSql(target, plan.type, dimensions)}) ON COMMIT DROP`,
  );
  const drawn = await client.query(`INSERT INTO pg_temp.${TABLE} ${vectors}`, [
    source === 'table' ? Math.min(wanted, rows) : wanted,
  ]);
  return drawn.rowCount ?? 0;
}

function buildSql({ target, plan, metric, m, efConstruction, rows, lists }: CalibrationInput): string {
  const parameters =
    plan.method === 'hnsw'
      ? `m = ${m}, ef_construction = ${efConstruction}`
      : `lists = ${sampleLists({ rows, lists })}`;
  return `CREATE INDEX ON pg_temp.${TABLE} USING ${plan.method} (v ${target.vectorPrefix}${operatorClass(metric, plan.type)}) WITH (${parameters})`;
}

/** As many as there will be, where that is still a matter of a second: finding few centres says little of finding many. */
const MAX_SAMPLE_LISTS = 100;
const sampleLists = ({
  rows,
  lists = ivfflatLists(rows),
}: Pick<CalibrationInput, 'rows' | 'lists'>): number => Math.min(MAX_SAMPLE_LISTS, Math.max(10, lists));

async function timed(client: pg.PoolClient, sql: string): Promise<number> {
  const started = performance.now();
  await client.query(sql);
  return (performance.now() - started) / 1000;
}

/** Vectors that all of the sample are compared with to time a distance. */
const COMPARED = 20;

/** Of one comparison, with some of the executor's own time. */
async function distanceSeconds(
  client: pg.PoolClient,
  { metric, target }: CalibrationInput,
  sampled: number,
): Promise<number> {
  const operator = distanceOperator(metric, target.vectorPrefix);
  const seconds = await timed(
    client,
    `SELECT max(a.v ${operator} b.v) FROM pg_temp.${TABLE} b, (SELECT v FROM pg_temp.${TABLE} LIMIT ${COMPARED}) a`,
  );
  return seconds / (COMPARED * sampled);
}

/** Each row goes through the graph by its height (log n). */
const hnswSeconds = (rows: number, sampled: number, seconds: number): number =>
  seconds * (rows / sampled) * Math.max(1, Math.log2(rows) / Math.log2(sampled));

/** The centres are found on a sample, whose size follows the lists; then each row is compared with each centre. */
export function ivfflatSeconds(
  { rows, lists = ivfflatLists(rows) }: Pick<CalibrationInput, 'rows' | 'lists'>,
  sampled: number,
  seconds: number,
  distance: number,
): number {
  const few = sampleLists({ rows, lists });
  const compared = Math.min(seconds, sampled * few * distance);
  const samples = Math.min(rows, ivfflatSamples(lists));
  return (seconds - compared) * ((samples * lists) / (sampled * few)) + rows * lists * distance;
}
