/** Plans a run and puts its jobs on the queue. Safe at any time, any number of times: it adds what is missing and no more. */

import { withoutSecrets } from '../config/values/bare-url.ts';
import { optionsOf } from '../config/options.ts';
import type { Settings } from '../config/settings.ts';
import { valueAt, withValues } from '../config/shape.ts';
import type { Pool } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { modelDtype } from '../embedding/model-files/files.ts';
import { modelFacts } from '../embedding/open-embedder.ts';
import { usageOf } from '../embedding/usage/usage.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { BackfillError } from '../errors.ts';
import { coverageOf } from '../ledger/rows/accounting.ts';
import { lastBatch, reopenFailedBatches, unfinishedBatches } from '../ledger/batch/batch.ts';
import { resetBreaker } from '../ledger/run/breaker.ts';
import { callFinalizer } from '../finalize/trigger.ts';
import { recordEvent, recordMended } from '../ledger/event/event.ts';
import { FENCE_LIMITS, closeFence } from '../ledger/run/fence.ts';
import { saveTableGrowthForecast } from '../ledger/run/table-growth.ts';
import { createRun, findRun, latestRun, saveScope, type Run } from '../ledger/run/run.ts';
import { noteAddedColumns } from '../ledger/backfill/backfill.ts';
import { noteMadeTable } from '../ledger/backfill/made-table.ts';
import { moveRun, reopenFailedRun, supersedeRuns } from '../ledger/run/move-run.ts';
import { scopeDifference, scopeOf } from '../ledger/run/scope.ts';
import { restartSweep } from '../ledger/changes/sweep-position.ts';
import type { OnProgress } from '../observability/progress.ts';
import type { Logger } from '../observability/logger.ts';
import { countTable } from '../pipeline/count-table.ts';
import { readingOfRun } from '../pipeline/unreadable-rows.ts';
import type { JobQueue } from '../queue/connection.ts';
import { resumeQueues } from '../queue/probes/blockers.ts';
import { addEmbedJobs, unscheduleSync } from '../queue/jobs/producer.ts';
import { applyCapture } from '../sync/capture.ts';
import { estimatedRows } from '../table/estimated-rows.ts';
import { tableSizes } from '../table/table-sizes.ts';
import { keyNames } from '../table/key.ts';
import type { Target } from '../table/backfill-target.ts';
import { adoptionOf, type ColumnSample } from './adopt/examine-column.ts';
import { ADOPTS, isAdoptedSince, keepAdoption } from './adopt/keep-adoption.ts';
import { applyDdl } from './ddl.ts';
import { dueRun } from './due-run.ts';
import { assertStillFree } from './generation/still-free.ts';
import { forecastPassages } from './passage-forecast.ts';
import { forecastTableGrowth } from '../finalize/forecast/table-growth.ts';
import { ensureSyncSchedule } from './sync-schedule.ts';
import { planRun } from './plan.ts';
import { registerBackfill } from './register-backfill.ts';
import { withSchemaLease } from './schema-lease.ts';

export interface EnqueueInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  embedder: Embedder;
  logger: Logger;
  queues: { embed: JobQueue; finalize: JobQueue; sync: JobQueue };
  /** Only the first rows by key; null = all. */
  limitRows: number | null;
  /** Vectors that are there are taken over by a run of its own: their sample has agreed. */
  adopt?: ColumnSample | null | undefined;
  /** Planned as a generation that is not there yet: another one may have taken its number meanwhile. */
  isNew?: boolean | undefined;
  onProgress?: OnProgress | undefined;
}

export interface EnqueueResult {
  backfill: string;
  run: string;
  /** Eligible rows of the run. */
  rows: number;
  batches: number;
  /** Jobs put on the queue by this call. */
  enqueued: number;
  /** Batches that are merged already. */
  alreadyDone: number;
  /** What kept jobs that are on the queue from being done, and does no more: sentences. */
  mended: string[];
}

/** Batches of one look at the ledger. */
const PAGE = 5000;

export async function enqueue(input: EnqueueInput): Promise<EnqueueResult> {
  const { pool, target } = input;
  const names = keyNames(target);
  // Said in the run's scope, whatever the table's keys become.
  const settings = { ...input.settings, key: names.length === 1 ? names[0] : names };
  return withSchemaLease(pool, target.backfill, 'enqueue', () => enqueueLocked({ ...input, settings }));
}

async function enqueueLocked(asked: EnqueueInput): Promise<EnqueueResult> {
  const { pool, embedder, logger } = asked;
  const stored = storedSettings(asked.settings);
  const target = await registerBackfill(pool, asked.target, stored, usageOf(asked.settings));
  const input = { ...asked, target };
  const added = await applyDdl(pool, target, embedder.dimensions, {
    columns: (client, columns) => noteAddedColumns(client, target.backfill, columns),
    table: (client, table) => noteMadeTable(client, target.backfill, table),
  });
  for (const sql of added)
    await recordEvent(pool, {
      backfill: target.backfill,
      run: null,
      level: 'info',
      kind: 'schema.changed',
      message: sql,
    });
  // Before anything is read: what is written from here on is captured, or had been written before the plan.
  const mode = await applyCapture(pool, target, input.settings);
  const mended = await resumeQueues(Object.values(input.queues));
  if (mode === 'off') await unscheduleSync(input.queues.sync);
  else mended.push(...(await ensureSyncSchedule(input, input.queues.sync)));
  for (const message of mended) {
    logger.warn({}, message);
    await recordMended(pool, target.backfill, null, message);
  }
  const { run, fresh } = await currentRun(input);
  const isGrowing = await grows(input, run);
  // A run that an older release planned over an empty table has no batch to count its rows by.
  if (run.plannedAt === null || isGrowing || run.batchesPlanned === 0) {
    const resuming = !fresh || (await hasStagedRows(pool, target));
    logger.info({ run: run.id }, 'planning');
    const total = input.limitRows ?? Math.round(await estimatedRows(pool, target.table));
    const toDo = await planRun(pool, target, run, {
      onRows: (rows) => input.onProgress?.({ what: 'planning rows', done: rows, total }),
      batchRows: run.batchRows,
      limitRows: input.limitRows,
      resuming,
      fingerprint: run.fingerprint,
    });
    // Rows whose vectors are taken over are not written to: how many are left nobody knows yet.
    if (run.adoption === null) await keepTableGrowthForecast(input, run, run.rowsPlanned + toDo);
  }
  const planned = await findRun(pool, run.uid);
  if (planned === null)
    throw new BackfillError(`Run ${run.id} has vanished from the ledger.`, { code: 'RUN_MISSING' });
  return { ...(await produce(input, planned, run.plannedAt === null)), mended };
}

/** The run that goes on, or a new one where one is due. */
async function currentRun({
  pool,
  target,
  embedder,
  settings,
  limitRows,
  adopt = null,
  isNew = false,
}: EnqueueInput): Promise<{ run: Run; fresh: boolean }> {
  const { backfill } = target;
  const { fingerprint, model, dimensions } = embedder;
  const latest = await latestRun(pool, backfill);
  assertStillFree(isNew, latest, fingerprint);
  const message = isAdoptedSince(latest, adopt)
    ? await dueRun(pool, latest, { target, settings, fingerprint, limitRows })
    : ADOPTS;
  if (latest !== null && message === null) {
    await keepScope(pool, latest, target, settings);
    await reopenFailedRun(pool, latest.id);
    return { run: latest, fresh: false };
  }
  const run = await inTransaction(pool, FENCE_LIMITS, async (client) => {
    await closeFence(client, backfill);
    const created = await createRun(client, backfill, {
      fingerprint,
      model,
      dimensions,
      embedding: modelFacts(settings),
      scope: scopeOf(settings),
      tableOid: target.oid,
      adoption: adopt === null ? null : adoptionOf(adopt),
      batchRows: settings.batchRows,
    });
    await keepAdoption(client, created, adopt);
    await supersedeRuns(client, backfill, created.id);
    await restartSweep(client, backfill);
    return created;
  });
  await recordEvent(pool, {
    backfill,
    run: run.id,
    level: 'info',
    kind: 'run.created',
    message: message ?? '',
    detail: { model, dimensions, fingerprint, ...(adopt === null ? {} : { adoption: adoptionOf(adopt) }) },
  });
  return { run, fresh: latest === null };
}

/** What is changed of it is of searches alone, or was not noted by an older release. What was verified is another search then. */
async function keepScope(pool: Pool, run: Run, { oid }: Target, settings: Settings): Promise<void> {
  const difference = scopeDifference(run.scope, settings);
  await saveScope(pool, run.id, scopeOf(settings), oid);
  if (difference === null) return;
  const message = `the configuration changed: ${difference}`;
  await moveRun(pool, run.id, ['ready'], 'verifying', message);
  await recordEvent(pool, {
    backfill: run.backfill,
    run: run.id,
    level: 'warn',
    kind: 'run.options',
    message: `${message}: searches ask so from now on, and \`pgvector-backfill verify\` judges it`,
  });
}

/** A canary with batches still to do, and all rows are wanted now: its plan goes on behind its last row. */
async function grows({ pool, limitRows }: EnqueueInput, run: Run): Promise<boolean> {
  if (limitRows !== null || run.plannedAt === null) return false;
  const last = await lastBatch(pool, run.id);
  return last !== null && last.upper !== null;
}

/** Before the first row of this plan is written. */
async function keepTableGrowthForecast(
  { pool, target, settings, embedder }: EnqueueInput,
  { id, dimensions }: Run,
  rows: number,
): Promise<void> {
  const vectorsPerRow = (await forecastPassages(pool, target, embedder))?.perRow;
  const forecast = await forecastTableGrowth({ pool, target, settings, dimensions, rows, vectorsPerRow });
  await saveTableGrowthForecast(pool, id, forecast, await tableSizes(pool, target));
}

async function hasStagedRows(pool: Pool, target: Target): Promise<boolean> {
  const found = await pool.query<{ present: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM ${target.stage}) AS present`,
  );
  return found.rows[0]?.present === true;
}

async function produce(
  input: EnqueueInput,
  run: Run,
  fresh: boolean,
): Promise<Omit<EnqueueResult, 'mended'>> {
  const { pool, target, settings, queues, logger } = input;
  await moveRun(pool, run.id, ['planned'], 'running', '');
  if ((await reopenFailedBatches(pool, run.id)) > 0) await resetBreaker(pool, run.id);
  let enqueued = 0;
  let unfinished = 0;
  for (let after = 0; ;) {
    const page = await unfinishedBatches(pool, run.id, after, PAGE);
    enqueued += await addEmbedJobs(queues.embed, run.uid, page, settings.attempts, fresh);
    unfinished += page.length;
    input.onProgress?.({ what: 'adding jobs', done: unfinished, total: run.batchesPlanned });
    if (page.length < PAGE) break;
    after = page.at(-1)?.number ?? after;
    logger.info({ run: run.id, enqueued }, 'jobs added');
  }
  if (unfinished === 0) await askToFinalize(input, run);
  const result = {
    backfill: target.backfill,
    run: run.id,
    rows: run.rowsPlanned,
    batches: run.batchesPlanned,
    enqueued,
    alreadyDone: run.batchesPlanned - unfinished,
  };
  if (enqueued > 0) {
    await recordEvent(pool, {
      backfill: target.backfill,
      run: run.id,
      level: 'info',
      kind: 'run.enqueued',
      message: `${enqueued} jobs added`,
      detail: { ...result },
    });
  }
  return result;
}

/** All batches are merged: an empty table, or a finalizer whose job was lost with its Redis. */
async function askToFinalize({ pool, target, settings, queues }: EnqueueInput, run: Run): Promise<void> {
  if (run.state === 'ready' || run.state === 'cut_over' || run.state === 'completed') return;
  const rows = await countTable(readingOfRun(pool, target, run), { purpose: 'plan' });
  if (coverageOf(rows) >= settings.index.coverage)
    await callFinalizer(pool, queues.finalize, run, 'last-batch');
}

/**
 * For the record: the options of the backfill itself, none of the connections and their passwords. Also of addresses what is
 * no secret alone: the ledger is read by applications' roles, and told by `status` and backups.
 */
export function storedSettings(settings: Settings): Record<string, unknown> {
  const stored = (value: unknown): unknown =>
    typeof value === 'string' && /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? withoutSecrets(value) : value;
  const kept = optionsOf('backfill').filter(({ secret }) => !secret);
  // Which precision the folder has answered with, where it has come only with this verb.
  const { endpoint } = settings.model;
  const settled =
    endpoint === undefined ? withValues(settings, [['model.dtype', modelDtype(settings.model)]]) : settings;
  return withValues<Record<string, unknown>>(
    {},
    kept.map(({ path }) => [path, stored(valueAt(settled, path))] as const),
  );
}
