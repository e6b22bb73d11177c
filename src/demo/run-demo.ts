/** The main job from an empty server to a proven index, by the same code as production. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/load.ts';
import { borrowed, type Embedder, type OpenEmbedder } from '../embedding/embedder.ts';
import type { Pool } from '../db/pool.ts';
import { GateError } from '../errors.ts';
import { progressSnapshot, type ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import type { Logger } from '../observability/logger.ts';
import { compareSearches, type Comparison } from '../search/compare.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';
import { verify, type Verification } from '../verify/verify.ts';
import { enqueueRun, withPreflight } from '../planning/enqueue-run.ts';
import { requireRun } from '../ledger/run/require-run.ts';

export interface DemoRun {
  snapshot: ProgressSnapshot;
  verification: Verification;
  comparisons: Comparison[];
  model: string;
  dimensions: number;
  /** Time of the index build; null where it was there already. */
  indexSeconds: number | null;
}

const POLL_MS = 200;
const HITS = 5;

export interface DemoInput {
  config: Config;
  pool: Pool;
  logger: Logger;
  queries: readonly string[];
  signal: AbortSignal;
  onProgress: (snapshot: ProgressSnapshot) => void;
  openEmbedder: OpenEmbedder;
  /** All roles, in this process. */
  startWorkers: (options: { openEmbedder: OpenEmbedder }) => Promise<{ drain(): Promise<boolean> }>;
}

export async function runDemo(input: DemoInput): Promise<DemoRun> {
  const { config, pool, logger, queries } = input;
  const { settings, backfill } = config;
  const opened: { embedder?: Promise<Embedder> } = {};
  // Preflight and workers are one process here: its model is loaded once, with all processes that the workers use.
  const openEmbedder: OpenEmbedder = async (own, _, notice) =>
    borrowed(await (opened.embedder ??= input.openEmbedder(own, own.worker.threads, notice)));
  try {
    return await withPreflight(config, pool, openEmbedder, async (preflight) => {
      if (!preflight.passed) {
        const [blocker] = preflight.blocking;
        const remedy = blocker?.remedy === undefined ? {} : { remedy: blocker.remedy };
        throw new GateError(blocker?.message ?? 'The preflight did not pass.', { code: 'DOCTOR', ...remedy });
      }
      const { embedder } = preflight;
      await enqueueRun(config, pool, logger, preflight, { limitRows: null });
      await work({ ...input, openEmbedder });
      const run = await requireRun(pool, backfill);
      // Described again: the extension and the columns are there only since enqueue.
      const target = await describeTarget(pool, backfill, settings);
      const verification = await verify({
        pool,
        target,
        settings,
        run,
        openEmbedder: () => Promise.resolve(borrowed(embedder)),
      });
      const comparisons: Comparison[] = [];
      for (const text of queries)
        comparisons.push(await compareSearches({ pool, target, settings, embedder }, text, HITS));
      const snapshot = await progressSnapshot(pool, backfill);
      return {
        snapshot,
        verification,
        comparisons,
        model: embedder.model,
        dimensions: embedder.dimensions,
        indexSeconds: run.indexSeconds,
      };
    });
  } finally {
    // Whether it could be opened, the preflight has told.
    await (await opened.embedder?.catch(() => null))?.close();
  }
}

async function work({
  config,
  pool,
  signal,
  onProgress,
  openEmbedder,
  startWorkers,
}: Omit<DemoInput, 'queries' | 'logger'>): Promise<void> {
  const workers = await startWorkers({ openEmbedder });
  try {
    for (;;) {
      const snapshot = await progressSnapshot(pool, config.backfill);
      onProgress(snapshot);
      if (snapshot.state === 'ready') return;
      const stuck =
        snapshot.state === 'verifying' &&
        snapshot.reason !== '' &&
        snapshot.batches.pending + snapshot.batches.staged === 0;
      if (snapshot.state === 'failed' || stuck || (snapshot.state === 'running' && snapshot.reason !== '')) {
        throw new GateError(`The run stopped: ${snapshot.state}, ${snapshot.reason}`, {
          code: 'RUN_STOPPED',
          remedy: 'See the reason; `pgvector-backfill demo --keep` leaves the server up to look around.',
        });
      }
      await delay(POLL_MS, undefined, { signal });
    }
  } finally {
    await workers.drain();
  }
}
