/** The gate: is every row accounted for, and does the index answer as well as exact search? */

import { optionName } from '../config/option-name.ts';
import { parseGenerationName } from '../config/values/generation-name.ts';
import type { Settings } from '../config/settings.ts';
import { QUARANTINE_TABLE } from '../ledger/rows/quarantine.ts';
import { presentIndex } from '../ledger/run/present-index.ts';
import { coverageOf, type LiveAccounting } from '../ledger/rows/accounting.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { liveGeneration } from '../ledger/generation/choose.ts';
import type { InterleavingSummary } from '../ledger/reads/interleaving.ts';
import { readModeOf } from '../ledger/reads/read-mode.ts';
import { readSummary } from '../ledger/reads/read-stats.ts';
import { latestAdoption } from '../ledger/run/adoption.ts';
import { latestRun } from '../ledger/run/run.ts';
import { moveRun } from '../ledger/run/move-run.ts';
import { scopeDifference, searchScopeOf } from '../ledger/run/scope.ts';
import { loadReadSettings, type ReadSettings } from '../ledger/reads/read-settings.ts';
import { countTable } from '../pipeline/count-table.ts';
import { nothingEmbedded } from '../pipeline/nothing-embedded.ts';
import { readingOfRun } from '../pipeline/unreadable-rows.ts';
import type { Check } from './check.ts';
import { adoptedCheck } from './checks/adopted-vectors.ts';
import { checkFreshness } from './checks/freshness.ts';
import { FULL_STEPS, measureFully, type OnVerifyStep, type FullResult } from './full-measurement.ts';
import type { VerifyInput } from './input.ts';
import { interleavingChecks } from './checks/interleaving.ts';
import { checkQuarantinedVectors } from './checks/quarantined-vectors.ts';
import type { PlanResult } from './measures/plan.ts';
import { checkRun } from './checks/run.ts';
import { syncCheck, syncHealth, type SyncHealth } from './checks/unsynced-rows.ts';
import { checkDimensions, checkIndex, checkVersion } from './checks/storage.ts';
import { liveChecks } from './checks/live-generation.ts';
import { comparedGeneration } from './live/compared-generation.ts';
import { checkSearch, type SearchMeasures } from './checks/vector-search.ts';
import { baselineChecks, loadBaseline } from './stored-verification.ts';
import { namingGeneration } from './generation-remedies.ts';
import { saveVerification } from '../ledger/verification/verification.ts';

export interface Verification {
  passed: boolean;
  checks: Check[];
  accounting: LiveAccounting;
  /** The figures behind the checks of plan, recall and latency. */
  measures: SearchMeasures;
  plan: PlanResult | null;
  /** What searches were run with: the defaults for reads. */
  read: ReadSettings;
  /** Whose hits were clicked in interleaved answers, the newest comparison first. */
  interleaving: InterleavingSummary[];
  /** Null where `queryInput` were not asked. */
  full: FullResult | null;
}

/** Runs every check, stores the result, and moves a run that waits for it to `ready`. */
export async function verify(input: VerifyInput): Promise<Verification> {
  const { pool, target, run } = input;
  // Before anything is measured: an index that is built again meanwhile is not the one that was verified.
  const index = await presentIndex(pool, target, run.id);
  const step = stepsOf(input);
  const compared = await comparedGeneration(pool, target.backfill, await readModeOf(pool, target.backfill));
  step('accounting');
  const accounting = await countTable(readingOfRun(pool, target, run), {
    purpose: 'gate',
    pass: input.pass,
  });
  const sync = await syncHealth(pool, target.backfill, accounting);
  const measured =
    input.queryInput === undefined
      ? null
      : await measureFully(input, input.queryInput, accounting.embedded, step, compared);
  const full = measured?.result ?? null;
  const read = measured?.read ?? (await loadReadSettings(pool, target.backfill));
  step('recall, plan and latency of the search');
  const search = await checkSearch({ ...input, read }, accounting.embedded);
  const { measures, plan } = search;
  const baseline = await loadBaseline(pool, target.backfill, {
    read,
    querySet: full?.relevance?.querySet ?? null,
  });
  step('freshness');
  const adoption = await latestAdoption(pool, target.backfill);
  const { interleaving } = await readSummary(pool, target.backfill);
  const now = { recallAt10: measures.recallAt10, systems: full?.relevance?.systems ?? null };
  const live =
    compared === null ? null : { compared, live: full?.live ?? null, leftOut: measured?.leftOut ?? null };
  const found: Check[] = [
    ...(await checkRun(input)),
    await checkRows(input, accounting),
    ...accountingChecks(accounting, input.settings, sync),
    ...adoptedCheck(accounting, adoption),
    await checkQuarantinedVectors(input),
    syncCheck(sync, input.settings.sync.everySeconds),
    await checkDimensions(input),
    await checkVersion(input),
    await checkIndex(input, accounting.embedded),
    await checkFreshness(input, adoption),
    ...search.checks,
    ...(measured?.checks ?? []),
    ...(await liveChecks(pool, run, input.settings, live)),
    ...interleavingChecks(run, interleaving),
    ...baselineChecks(baseline, now, input.settings),
  ];
  // Without a flag verbs mean the generation by which reads go.
  const checks = compared === null ? found : namingGeneration(found, target.backfill);
  const passed = checks.every((check) => check.passed);
  await saveVerification(pool, target.backfill, run.id, {
    passed,
    checks,
    result: { measures, read, plan, asked: searchScopeOf(input.settings), ...full },
    index,
  });
  const failed = checks.filter((check) => !check.passed).map((check) => check.name);
  const reason = passed ? '' : `verify did not pass: ${failed.join(', ')}`;
  await recordEvent(pool, {
    backfill: target.backfill,
    run: run.id,
    level: passed ? 'info' : 'warn',
    kind: 'verify.done',
    message: passed ? 'passed' : reason,
  });
  const { generation } = parseGenerationName(target.backfill);
  const isLive = liveGeneration(await readModeOf(pool, target.backfill)) === generation;
  // An `enqueue` meanwhile: what has passed is not what searches ask now.
  const present = await latestRun(pool, target.backfill);
  const changed = present?.id === run.id ? scopeDifference(present.scope, input.settings) : null;
  if (passed && changed !== null)
    await moveRun(
      pool,
      run.id,
      ['finalizing', 'verifying', 'ready'],
      'verifying',
      `verify passed for options that are others now: ${changed}`,
    );
  else if (passed)
    await moveRun(pool, run.id, ['finalizing', 'verifying'], isLive ? 'cut_over' : 'ready', '');
  else await moveRun(pool, run.id, ['finalizing', 'verifying', 'ready'], 'verifying', reason);
  return { passed, checks, accounting, measures, plan, read, interleaving, full };
}

/** Of a verification, in order; those of the full one are between the first and the last two. */
const STEPS = 3;

/** Called as each step begins. */
function stepsOf({ onProgress, queryInput }: VerifyInput): OnVerifyStep {
  const total = queryInput === undefined ? STEPS : STEPS + FULL_STEPS;
  let done = 0;
  return (what, isPart = false) => {
    if (!isPart) done++;
    onProgress?.({ what: `verifying ${what}`, done, total });
  };
}

const ENQUEUE = `Run \`pgvector-backfill enqueue\`, with a worker up; rows that no model can read are in ${QUARANTINE_TABLE}.`;

/** All that follows passes by itself where there is nothing to check. */
async function checkRows({ pool, target }: VerifyInput, rows: LiveAccounting): Promise<Check> {
  const nothing = await nothingEmbedded(pool, target, rows);
  return {
    name: 'rows',
    passed: nothing === null,
    value: rows.embedded,
    threshold: 1,
    detail: nothing ?? 'there are rows to search',
    remedy:
      nothing === null
        ? null
        : `Correct ${optionName('where')} or ${optionName('text')} and run \`pgvector-backfill enqueue\`; or wait for rows: with sync on they are embedded as they come, then \`pgvector-backfill verify\`.`,
  };
}

function accountingChecks(rows: LiveAccounting, settings: Settings, { waiting }: SyncHealth): Check[] {
  const sum = rows.embedded + rows.skipped + rows.quarantined + waiting;
  const coverage = coverageOf(rows);
  const open = rows.missing + rows.stale - waiting;
  const waits = waiting === 0 ? '' : ` + ${waiting} waiting for sync`;
  return [
    {
      name: 'accounting',
      passed: sum === rows.eligible,
      value: sum,
      threshold: rows.eligible,
      detail: `${rows.eligible} eligible = ${rows.embedded} embedded + ${rows.skipped} skipped + ${rows.quarantined} quarantined${waits}${open === 0 ? '' : ` + ${open} still to embed`}`,
      remedy: sum === rows.eligible ? null : ENQUEUE,
    },
    {
      name: 'missing-rows',
      passed: open === 0,
      value: open,
      threshold: 0,
      detail:
        open === 0
          ? `every row with text has the vector of its text${waiting === 0 ? '' : `, or was written a moment ago and waits for sync (${waiting})`}`
          : `${rows.missing} rows without a vector, ${rows.stale} with one of another text`,
      remedy: open === 0 ? null : ENQUEUE,
    },
    {
      name: 'coverage',
      passed: coverage >= settings.index.coverage,
      value: coverage,
      threshold: settings.index.coverage,
      detail: `embedded rows / rows with text${unfound(rows)}`,
      remedy: coverage >= settings.index.coverage ? null : ENQUEUE,
    },
  ];
}

/** NULL is in no index; a text for which the model gives zeros, which a cosine index leaves out, is quarantined. */
function unfound({ skipped, quarantined, missing }: LiveAccounting): string {
  const count = skipped + quarantined + missing;
  return count === 0
    ? ''
    : `; ${count} rows without a vector are in no vector index, and vector search does not find them`;
}
