/** Coverage → index. Asked any number of times, it builds once. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { coverageOf } from '../ledger/rows/accounting.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { saveTableGrowth } from '../ledger/run/table-growth.ts';
import {
  saveIndexMeasurements,
  saveObservedBuild,
  type IndexForecast,
} from '../ledger/run/index-measurements.ts';
import { OPEN_STATES, type Run } from '../ledger/run/run.ts';
import { saveIndexProgress } from '../ledger/run/index-progress.ts';
import { moveRun, setRunReason } from '../ledger/run/move-run.ts';
import type { Logger } from '../observability/logger.ts';
import { syncMode } from '../ledger/changes/drain-lease.ts';
import { countTable } from '../pipeline/count-table.ts';
import { nothingEmbedded } from '../pipeline/nothing-embedded.ts';
import { readingOfRun } from '../pipeline/unreadable-rows.ts';
import { estimatedRows } from '../table/estimated-rows.ts';
import { tableSizes } from '../table/table-sizes.ts';
import type { Target } from '../table/backfill-target.ts';
import { ensureIndex, type BuildResult } from './build/ensure-index.ts';
import { ivfflatLists } from './forecast/index-size.ts';
import { targetWithIndex } from './plan-index.ts';
import { forecastBuild } from './forecast/index-build.ts';
import { loadReadSettings, saveReadSettings } from '../ledger/reads/read-settings.ts';
import { describeBlockers, type BuildProgress } from './build/progress.ts';
import { findIndex, wantedIndex, type IndexDefinition } from './index-definition.ts';
import { buildReporter, type BuildListener } from './report-build.ts';

export interface FinalizeInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  run: Run;
  /** Build whatever the coverage. */
  force: boolean;
  logger: Logger;
  /** Between pages of the count: whether to go on, as `Throttle.pass`. */
  pass?: (() => Promise<boolean>) | undefined;
  onProgress: BuildListener['onProgress'];
  signal?: AbortSignal | undefined;
}

export type FinalizeOutcome =
  /** The run is over or failed; nothing was done. */
  | { kind: 'not-done' }
  | { kind: 'below-threshold'; coverage: number }
  | { kind: 'indexed'; index: string; method: string; built: boolean; seconds: number | null };

export async function finalize(input: FinalizeInput): Promise<FinalizeOutcome> {
  const { pool, settings, run, logger } = input;
  if (!OPEN_STATES.includes(run.state)) return { kind: 'not-done' };
  const rows = await countTable(readingOfRun(pool, input.target, run), {
    purpose: 'coverage',
    pass: input.pass,
  });
  const coverage = coverageOf(rows);
  const nothing = await nothingEmbedded(pool, input.target, rows);
  if (nothing !== null) {
    const goesOn =
      (await syncMode(pool, run.backfill)) === 'off'
        ? 'run `pgvector-backfill enqueue` once there are rows with text'
        : 'rows that come are embedded as they come, and the index and the gate follow';
    await setRunReason(pool, run.id, `${nothing}; ${goesOn}`);
    return { kind: 'below-threshold', coverage: 0 };
  }
  if (coverage < settings.index.coverage && !input.force) {
    const open = rows.missing + rows.stale;
    const reason =
      `coverage ${percent(coverage)} is below ${percent(settings.index.coverage)}: ${rows.quarantined} rows quarantined, ${open} still to embed` +
      (open > 0 ? '; `pgvector-backfill enqueue` plans those that no batch has' : '');
    await setRunReason(pool, run.id, reason);
    return { kind: 'below-threshold', coverage };
  }
  const building = `building the index at coverage ${percent(coverage)}`;
  await moveRun(pool, run.id, OPEN_STATES, 'finalizing', building);
  const vectors = await storedVectors(pool, input.target, rows.embedded);
  const target = await targetWithIndex(input, vectors);
  const wanted = wantedIndex(target, settings, vectors);
  const index = { name: wanted.name, method: wanted.method };
  await saveIndexProgress(pool, run.id, { ...index, phase: 'preparing', progress: null, seconds: null });
  const reportBuild = buildReporter(input, wanted);
  const report = async (progress: BuildProgress): Promise<void> => {
    await setBuildReason(pool, run.id, [building, describeBlockers(progress.blockers)]);
    await reportBuild(progress);
  };
  const forecast = await forecastBuild(input, target, vectors);
  if (run.indexActual === null) await saveTableGrowth(pool, run.id, await tableSizes(pool, target));
  const discardMeasurements = (): Promise<void> => saveIndexMeasurements(pool, run.id, forecast, null);
  // Nothing is there, and nobody is at it: what was measured of a build before is of another index.
  if ((await findIndex(pool, target, wanted)).kind === 'none') await discardMeasurements();
  const result = await ensureIndex({
    pool,
    target,
    settings,
    dimensions: run.dimensions,
    rows: vectors,
    wanted,
    logger,
    onProgress: report,
    onBegin: discardMeasurements,
    onEvent: (event) => recordEvent(pool, { backfill: target.backfill, run: run.id, ...event }),
    signal: input.signal,
  });
  const seconds = result.actual.seconds;
  await saveIndexProgress(pool, run.id, { ...index, phase: 'valid', progress: 1, seconds });
  if (wanted.method === 'ivfflat') await readByDefault(pool, target, vectors, settings);
  await keepMeasurements(input, result, forecast, wanted, { coverage, rows: rows.embedded });
  return {
    kind: 'indexed',
    index: wanted.name,
    method: wanted.method,
    built: result.built,
    seconds,
  };
}

/** Entries of the index, about: of a row that is embedded one, or one for each of its passages. */
const storedVectors = async (pool: Pool, { hasPassages, store }: Target, embedded: number): Promise<number> =>
  hasPassages ? Math.max(embedded, Math.round(await estimatedRows(pool, store.table))) : embedded;

/** What was measured of it, and the event of whoever has built it; of a build whose worker is gone, what was seen from outside. */
async function keepMeasurements(
  { pool, run, logger }: FinalizeInput,
  { built, watched, actual, notices }: BuildResult,
  forecast: IndexForecast,
  { name, method }: IndexDefinition,
  detail: { coverage: number; rows: number },
): Promise<void> {
  if (built) await saveIndexMeasurements(pool, run.id, forecast, actual);
  else if (!(await saveObservedBuild(pool, run.id, forecast, actual)) || !watched) return;
  const { seconds } = actual;
  await recordEvent(pool, {
    backfill: run.backfill,
    run: run.id,
    level: 'info',
    kind: built ? 'index.built' : 'index.built-by-another',
    message: `${name} (${method}) in ${seconds === null ? 'unknown' : seconds.toFixed(1)} s${built ? '' : ', begun by a worker that did not see its end'}`,
    detail: { ...detail, notices },
  });
  logger.info({ index: name, seconds, notices }, 'index built');
}

/** One list of many, as pgvector has it by itself, finds little. What `verify` measured stays; it measures this one too. */
async function readByDefault(pool: Pool, target: Target, rows: number, settings: Settings): Promise<void> {
  const present = await loadReadSettings(pool, target.backfill);
  if (present['ivfflat.probes'] !== undefined) return;
  const probes = Math.max(1, Math.round(Math.sqrt(settings.index.lists ?? ivfflatLists(rows))));
  await saveReadSettings(pool, target.backfill, { ...present, 'ivfflat.probes': String(probes) });
}

/** Only of a run that is still at it: one that was paused meanwhile keeps the reason it was paused for. */
async function setBuildReason(pool: Pool, id: string, parts: string[]): Promise<void> {
  await moveRun(pool, id, ['finalizing'], 'finalizing', parts.filter((part) => part !== '').join('; '));
}

export const percent = (share: number): string => `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
