/** `enqueue --dry-run`: what it would plan, and the DDL that is missing. Changes nothing. */

import { parseGenerationName } from '../config/values/generation-name.ts';
import type { Config } from '../config/load.ts';
import { ledgerPresent } from '../db/migrate.ts';
import type { Pool } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { latestRun, type Run } from '../ledger/run/run.ts';
import { chooseCapture, missingCapture } from '../sync/capture.ts';
import type { Target } from '../table/backfill-target.ts';
import { forecastRun, type RunForecast } from '../finalize/forecast/run-forecast.ts';
import { forecastEmbedding, type EmbeddingForecast } from './embedding-forecast.ts';
import { forecastPassages, type PassageForecast } from './passage-forecast.ts';
import { inWords, missingDdl } from './ddl.ts';
import type { EnqueueResult } from './enqueue.ts';
import type { PlannedGeneration } from './generation/plan-generation.ts';
import { previewPlan } from './plan.ts';

export interface DryRun {
  /** The latest one. */
  run: Run | null;
  rows: number;
  batches: number;
  ddl: string[];
  forecast: RunForecast & {
    /** Null where each row has one vector. */
    passages: PassageForecast | null;
    /** Null where no text could be embedded. */
    embedding: EmbeddingForecast | null;
  };
}

export async function dryRun(
  { backfill, settings }: Config,
  pool: Pool,
  { target, embedder }: { target: Target; embedder: Embedder },
  limitRows: number | null,
): Promise<DryRun> {
  const run = (await ledgerPresent(pool)) ? await latestRun(pool, backfill) : null;
  const ddl = (await missingDdl(pool, target, embedder.dimensions)).flatMap(inWords);
  const { mode } = await chooseCapture(pool, target, settings);
  ddl.push(...(await missingCapture(pool, target, mode)));
  const { rows, batches } = await previewPlan(pool, target, {
    batchRows: settings.batchRows,
    limitRows,
    resuming: false,
    fingerprint: embedder.fingerprint,
  });
  const { dimensions } = embedder;
  const passages = await forecastPassages(pool, target, embedder);
  const vectorsPerRow = passages?.perRow;
  const forecast = await forecastRun({
    pool,
    target,
    settings,
    dimensions,
    rows,
    vectorsPerRow,
    calibrate: true,
  });
  const embedding = await forecastEmbedding(pool, target, embedder, rows);
  return { run, rows, batches, ddl, forecast: { ...forecast, passages, embedding } };
}

/** Backfill and generation, and the one that a new one is planned beside. */
const placeJson = ({ config, beside }: PlannedGeneration): object => ({
  ...parseGenerationName(config.backfill),
  beside,
});

/** The object of `enqueue --json`. */
export const enqueuedJson = (planned: PlannedGeneration, result: EnqueueResult): object => ({
  ...result,
  ...placeJson(planned),
});

/** The object of `enqueue --dry-run --json`: with the keys that `enqueue` has. */
export const dryRunJson = (
  planned: PlannedGeneration,
  { run, rows, batches, ddl, forecast }: DryRun,
): object => ({
  ...placeJson(planned),
  run: run?.id ?? null,
  rows,
  batches,
  enqueued: 0,
  alreadyDone: 0,
  mended: [],
  dryRun: true,
  ddl,
  forecast,
});
