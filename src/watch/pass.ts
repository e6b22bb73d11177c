/** A pass of the watch: the index by which reads go is held against exact search once more, and what comes of it is kept. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { syncState } from '../ledger/changes/drain-lease.ts';
import { recordEvent } from '../ledger/event/event.ts';
import {
  BAD_VERDICTS,
  worstRecall,
  type WatchPoint,
  type WatchResult,
  type WatchSource,
} from '../ledger/passes/pass-result.ts';
import { savePass, type NewPass } from '../ledger/passes/watch-pass.ts';
import { someQueries } from '../ledger/passes/watch-query.ts';
import { sumBatches } from '../ledger/progress/batch-sums.ts';
import { loadReadSettings } from '../ledger/reads/read-settings.ts';
import { latestAdoption } from '../ledger/run/adoption.ts';
import type { Run } from '../ledger/run/run.ts';
import { lastPassedRecall } from '../ledger/verification/verification.ts';
import type { OnProgress } from '../observability/progress.ts';
import type { Target } from '../table/backfill-target.ts';
import { estimatedRows } from '../table/estimated-rows.ts';
import { checkFreshness } from '../verify/checks/freshness.ts';
import type { CurveQuery } from '../verify/measures/recall-curve.ts';
import { percentile } from '../verify/measures/recall.ts';
import type { SearchContext } from '../verify/measures/systems.ts';
import { sampleRows } from '../verify/queries/sampled-rows.ts';
import { Budget } from './budget.ts';
import { filteredCounts } from './filtered-counts.ts';
import { askAgain, askQueries, recallFrom, type AskedQuery } from './recall.ts';
import { searchDepth, withDepth } from './search-depth.ts';
import { judge } from './verdict.ts';
import { indexWear } from './wear.ts';

export interface PassInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  run: Run;
  /** The generation's model, to embed some rows again; closed behind that. */
  openEmbedder: () => Promise<Embedder>;
  /** Whether the database is in trouble, as `Throttle.holds`: looked at before each query. */
  holds: () => Promise<boolean>;
  /** Aborted when the process is shut down. */
  stop?: AbortSignal;
  onProgress?: OnProgress;
}

type Asked = Record<WatchSource, AskedQuery[]>;

const STEPS = 4;
/** Of the time of a pass, for what takes the most of it on a large table. */
const RECALL_SHARE = 0.7;

/**
 * Measures, judges and keeps it. Other rows are drawn in each pass, so that a series covers the table.
 * @returns null where the database is in trouble: nothing was asked of it
 */
export async function watchPass(input: PassInput): Promise<NewPass | null> {
  const { pool, target, run, settings } = input;
  if (await input.holds()) return null;
  const result = await measure(input);
  const pass: NewPass = { run: run.id, ...judge(result), result };
  const before = await savePass(pool, target.backfill, pass, settings.watch.keepPassesDays);
  // A series says the rest: an event is a change.
  if (before !== pass.verdict && !(before === null && pass.verdict === 'good'))
    await recordEvent(pool, {
      backfill: target.backfill,
      run: run.id,
      level: BAD_VERDICTS.includes(pass.verdict) ? 'warn' : 'info',
      kind: `watch.${pass.verdict}`,
      message: pass.remedy === null ? pass.detail : `${pass.detail}. ${pass.remedy}`,
    });
  return pass;
}

async function measure(input: PassInput): Promise<WatchResult> {
  const { pool, target, settings, run } = input;
  const started = performance.now();
  const budget = new Budget({ maxSeconds: settings.watch.maxSeconds, holds: input.holds, stop: input.stop });
  const step = (what: string, done: number): void =>
    input.onProgress?.({ what: `watching ${what}`, done, total: STEPS });
  const read = await loadReadSettings(pool, target.backfill);
  const context: SearchContext = { pool, target, settings, read };
  const { embedded } = await sumBatches(pool, run);
  const vectors = target.hasPassages ? await estimatedRows(pool, target.store.table) : embedded;
  const seed = Math.ceil(Math.random() * 1_000_000);
  const depth = await searchDepth(context);
  const { maxRows } = settings.watch;
  const sampling =
    vectors <= maxRows ? null : { share: maxRows / vectors, seed, deep: withDepth({}, depth, depth.deepest) };
  step('recall', 1);
  const queries = await passQueries(context, run, embedded, seed);
  const recallBudget = budget.part(RECALL_SHARE);
  const half = recallBudget.part(queries.queries.length === 0 ? 0 : 0.5);
  const asked: Asked = {
    queries: await askQueries(context, queries.queries, sampling, half),
    rows: await askQueries(context, queries.rows, sampling, recallBudget),
  };
  const compared = sampling?.share ?? 1;
  const points = [pointOf(depth.present, asked, compared)];
  const result: WatchResult = {
    wanted: settings.verify.recall,
    verified: await lastPassedRecall(pool, target.backfill, read),
    setting: depth.setting,
    points,
    read,
    compared,
    cutShort: null,
    filtered: [],
    wear: await indexWear(context, run, vectors, vectorsOf(asked), budget),
    freshness: null,
    sync: { pending: 0, oldestSeconds: null },
    seconds: 0,
  };
  // What more searching would bring is asked where it is wanted alone.
  if ((worstRecall(result)?.recall ?? 1) < result.wanted)
    for (const value of depth.more) {
      const rows = await askAgain(context, asked.rows, withDepth(read, depth, value), budget);
      const others = await askAgain(context, asked.queries, withDepth(read, depth, value), budget);
      if (rows !== null && others !== null) points.push(pointOf(value, { rows, queries: others }, compared));
    }
  step('filtered searches', 2);
  result.filtered = await filteredCounts(
    context,
    vectorsOf(asked),
    { rows: embedded, isWhole: sampling === null },
    budget,
  );
  step('freshness', 3);
  if (await budget.allows()) result.freshness = await freshness(input);
  const { pending, oldestSeconds } = await syncState(pool, target.backfill);
  step('done', STEPS);
  return {
    ...result,
    sync: { pending, oldestSeconds },
    cutShort: half.cutShort ?? recallBudget.cutShort ?? budget.cutShort,
    seconds: (performance.now() - started) / 1000,
  };
}

async function passQueries(
  { pool, target, settings: { watch } }: SearchContext,
  { fingerprint, dimensions }: Run,
  embedded: number,
  seed: number,
): Promise<Record<WatchSource, CurveQuery[]>> {
  const rows = await sampleRows(pool, target, embedded, watch.rows, seed);
  const of = { backfill: target.backfill, fingerprint };
  const recorded = watch.keepQueries ? await someQueries(pool, of, dimensions, watch.queries) : [];
  return {
    rows: rows.map(({ key, vector }) => ({ vector, own: key })),
    queries: recorded.map((vector) => ({ vector, own: null })),
  };
}

const vectorsOf = ({ rows, queries }: Asked): string[] => [...queries, ...rows].map(({ vector }) => vector);

function pointOf(value: number, asked: Asked, compared: number): WatchPoint {
  const recall: WatchPoint['recall'] = {};
  for (const source of ['rows', 'queries'] as const) {
    const measured = recallFrom(asked[source], compared);
    if (measured !== null) recall[source] = measured;
  }
  const times = [...asked.rows, ...asked.queries].map(({ milliseconds }) => milliseconds);
  return { value, recall, p50Ms: percentile(times, 0.5) ?? 0, p95Ms: percentile(times, 0.95) ?? 0 };
}

async function freshness({
  pool,
  target,
  settings,
  run,
  openEmbedder,
}: PassInput): Promise<WatchResult['freshness']> {
  const adoption = await latestAdoption(pool, target.backfill);
  const check = await checkFreshness({ pool, target, settings, run, openEmbedder }, adoption);
  const { passed, value, threshold, detail } = check;
  return {
    passed,
    worst: typeof value === 'number' ? value : null,
    tolerance: typeof threshold === 'number' ? threshold : null,
    detail,
  };
}
