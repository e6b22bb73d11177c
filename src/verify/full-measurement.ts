/** What `verify` measures when an operator asks: recall curve, filters, latency, and relevance or agreement. */

import type { Embedder } from '../embedding/embedder.ts';
import { LegacyTries } from '../search/queries/legacy-fault.ts';
import { loadFusion, saveFusion } from '../ledger/reads/fusion.ts';
import { loadReadSettings, saveReadSettings, type ReadSettings } from '../ledger/reads/read-settings.ts';
import { agreementCheck, measureAgreement, type Agreement } from './measures/agreement.ts';
import type { Check } from './check.ts';
import { measureCurve, type Curve, type CurveQueries } from './measures/recall-curve.ts';
import { filteredRowsCheck, measureFilteredRows, type FilteredRows } from './measures/filtered-rows.ts';
import type { QueryInput, VerifyInput } from './input.ts';
import { legacyCheck } from './checks/legacy-search.ts';
import { latencyCheck, measureLatency, type Latency } from './measures/latency.ts';
import { planCheck } from './checks/plan.ts';
import { explainSearch, type PlanResult } from './measures/plan.ts';
import { liveQueries } from './measures/live-queries.ts';
import { listsOf } from './measures/lists.ts';
import { measureLive, type LiveFigures } from './measures/live.ts';
import type { ComparedGeneration } from './live/compared-generation.ts';
import { openCompared, type Opening } from './live/open-generation.ts';
import { judgedQueries } from './queries/judged-queries.ts';
import { chooseQueries } from './queries/query-source.ts';
import { embedQueries, searchable, type EmbeddedQuery } from './queries/query-vectors.ts';
import { curveCheck, recommend, type Recommendation } from './measures/recommended-settings.ts';
import { measurable, measureRelevance, type Relevance } from './measures/relevance.ts';
import { relevanceChecks } from './checks/relevance.ts';
import { sampleRows, type SampledRow } from './queries/sampled-rows.ts';
import type { SearchContext } from './measures/systems.ts';

/** Figures, keys of filters and counts; no text of rows or queries. */
export interface FullResult {
  relevance: Relevance | null;
  agreement: Agreement | null;
  curve: Curve | null;
  recommendation: Recommendation | null;
  filterRows: FilteredRows[];
  latency: Latency | null;
  filterPlans: PlanResult[];
  /** Absent where there is no other generation; null where it could not be asked. */
  live?: LiveFigures | null;
}

export interface FullMeasurement {
  checks: Check[];
  result: FullResult;
  /** What reads are to be run with from now on. */
  read: ReadSettings;
  /** Why the other generation was left out; null where it was not, or there is none. */
  leftOut: string | null;
}

/** How often `step` is called. */
export const FULL_STEPS = 4;
/** `isPart` of the step that is told already. */
export type OnVerifyStep = (what: string, isPart?: boolean) => void;

/** @throws ConfigError where no query of the file was judged, or a filter or the legacy search does not run */
export async function measureFully(
  input: VerifyInput,
  queryInput: QueryInput,
  embedded: number,
  step: OnVerifyStep,
  compared: ComparedGeneration | null,
): Promise<FullMeasurement> {
  const { pool, target, settings } = input;
  const result: FullResult = {
    relevance: null,
    agreement: null,
    curve: null,
    recommendation: null,
    filterRows: [],
    latency: null,
    filterPlans: [],
    ...(compared === null ? {} : { live: null }),
  };
  const stored = await loadReadSettings(pool, target.backfill);
  const rows = await sampleRows(pool, target, embedded, settings.verify.samples);
  const [sample] = rows;
  if (sample === undefined) return { checks: [], result, read: stored, leftOut: null };
  const judged = await judgedQueries({ pool, target }, queryInput);
  const tries = new LegacyTries();
  const fusion = await loadFusion(pool, target.backfill);
  const context: SearchContext = { pool, target, settings, read: stored, fusion, tries };
  const chosen = await chooseQueries(context, queryInput.queries, rows);
  const embedder = await openModel(input, queryInput);
  const other = compared === null || embedder === null ? null : await openCompared(input, compared);
  const opened = other !== null && 'opened' in other ? other.opened : null;
  try {
    const queries = embedder === null ? [] : await embedQueries(embedder, chosen.queries);
    step('recall by setting');
    const checks = await measureIndex(
      context,
      result,
      sample,
      rows,
      chosen.source === 'file' ? queries : [],
      (series) => step(`recall by setting: ${series}`, true),
    );
    const read = { ...stored, ...result.recommendation?.settings };
    if (result.recommendation !== null) await saveReadSettings(pool, target.backfill, read);
    const tuned = { ...context, read };
    step('rows of filtered searches');
    checks.push(...(await measureFilters(tuned, result, rows, queries)));
    if (embedder !== null) {
      step('latency');
      const live = opened === null ? null : await liveQueries(opened, queries);
      result.latency = await measureLatency(tuned, queries, live);
      checks.push(latencyCheck(result.latency, settings));
      step(judged === null ? 'agreement with the legacy search' : 'relevance');
      if (judged === null) {
        result.agreement = await measureAgreement(tuned, queries, chosen.source);
        checks.push(agreementCheck(result.agreement));
      } else {
        const all = await embedQueries(embedder, measurable(judged));
        const liveAll = opened === null ? null : await liveQueries(opened, all);
        result.relevance = await measureRelevance(tuned, judged, all, liveAll);
        const learnt = result.relevance.fusion?.settings;
        if (learnt !== undefined) await saveFusion(pool, target.backfill, learnt);
        checks.push(...relevanceChecks(result.relevance, settings));
      }
      if (opened !== null && live !== null) {
        step(`generation ${opened.generation.generation}, which it is compared with`, true);
        result.live = await measureLive(tuned, opened, embedded, queries, live, result);
      }
    }
    checks.push(...legacyCheck(tries));
    return { checks, result, read, leftOut: reasonOf(other) };
  } finally {
    await embedder?.close();
    await opened?.embedder.close();
  }
}

const reasonOf = (other: Opening | null): string | null =>
  other === null
    ? 'the model of the generation that is verified is not here'
    : 'leftOut' in other
      ? other.leftOut
      : null;

/** Null where there is nothing to compare: the check of freshness says why. Whoever brings queries wants to know at once. */
async function openModel(input: VerifyInput, queryInput: QueryInput): Promise<Embedder | null> {
  const embedder = await input.openEmbedder().catch((error: unknown) => {
    if (queryInput.queries !== null) throw error;
    return null;
  });
  if (embedder === null || embedder.fingerprint === input.run.fingerprint) return embedder;
  await embedder.close();
  return null;
}

async function measureIndex(
  context: SearchContext,
  result: FullResult,
  sample: SampledRow,
  rows: readonly SampledRow[],
  queries: readonly EmbeddedQuery[],
  onSeries: (what: string) => void,
): Promise<Check[]> {
  const plan = await explainSearch(context, sample.vector);
  // Without the index there is no curve: every setting would be the exact search.
  if (!plan.usesIndex) return [];
  const asked: CurveQueries = {
    rows: rows.map(({ key, vector }) => ({ vector, own: key })),
    queries: searchable(queries).map(({ vector }) => ({ vector, own: null })),
  };
  const target = context.settings.verify.recall;
  result.curve = await measureCurve(context, asked, await listsOf(context), onSeries);
  result.recommendation = recommend(result.curve, target);
  return [curveCheck(result.curve, target, result.recommendation)];
}

async function measureFilters(
  context: SearchContext,
  result: FullResult,
  rows: readonly SampledRow[],
  queries: readonly EmbeddedQuery[],
): Promise<Check[]> {
  const checks: Check[] = [];
  const vectors = [...rows, ...searchable(queries)].map(({ vector }) => vector);
  for (const filter of context.settings.search.filters) {
    const plan = await explainSearch(context, vectors[0] as string, filter);
    const found = await measureFilteredRows(context, filter, vectors);
    result.filterPlans.push(plan);
    result.filterRows.push(found);
    checks.push(planCheck(plan, context.target), filteredRowsCheck(found));
  }
  return checks;
}
