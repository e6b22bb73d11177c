/** What `verify` measures when an operator asks: recall curve, filters, latency, and relevance or agreement. */

import { TABLE_LIMITS, inReadOnly } from '../db/transaction.ts';
import { canonicalKeys } from '../table/canonical-keys.ts';
import { quoteQualified } from '../db/identifiers.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { ConfigError } from '../errors.ts';
import { LegacyTries } from '../search/queries/legacy-fault.ts';
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
import { chooseQueries } from './queries/query-source.ts';
import { embedQueries, searchable, type EmbeddedQuery } from './queries/query-vectors.ts';
import { curveCheck, recommend, type Recommendation } from './measures/recommended-settings.ts';
import { measurable, measureRelevance, type JudgedQueries, type Relevance } from './measures/relevance.ts';
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
}

export interface FullMeasurement {
  checks: Check[];
  result: FullResult;
  /** What reads are to be run with from now on. */
  read: ReadSettings;
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
  };
  const stored = await loadReadSettings(pool, target.backfill);
  const rows = await sampleRows(pool, target, embedded, settings.verify.samples);
  const [sample] = rows;
  if (sample === undefined) return { checks: [], result, read: stored };
  const judged = await asWritten({ pool, target }, judgedQueries(queryInput));
  const tries = new LegacyTries();
  const context: SearchContext = { pool, target, settings, read: stored, tries };
  const chosen = await chooseQueries(context, queryInput.queries, rows);
  const embedder = await openModel(input, queryInput);
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
      result.latency = await measureLatency(tuned, searchable(queries));
      checks.push(latencyCheck(result.latency, settings));
      step(judged === null ? 'agreement with the legacy search' : 'relevance');
      if (judged === null) {
        result.agreement = await measureAgreement(tuned, queries, chosen.source);
        checks.push(agreementCheck(result.agreement));
      } else {
        const all = await embedQueries(embedder, measurable(judged));
        result.relevance = await measureRelevance(tuned, judged, all);
        checks.push(...relevanceChecks(result.relevance, settings));
      }
    }
    checks.push(...legacyCheck(tries));
    return { checks, result, read };
  } finally {
    await embedder?.close();
  }
}

function judgedQueries({ queries, judgements }: QueryInput): JudgedQueries | null {
  if (queries === null || judgements === null) return null;
  const judged = { queries, judgements };
  if (measurable(judged).length > 0) return judged;
  throw new ConfigError('No query of --queries has a relevant key in --judgements.', {
    code: 'NO_JUDGED_QUERIES',
    remedy: 'Give the two files of one collection: ids of the queries must be those of the judgements.',
  });
}

/** Keys of the judgements as the table's are written; what is none of its keys stays as it is, and is told of. */
async function asWritten(
  { pool, target }: Pick<SearchContext, 'pool' | 'target'>,
  judged: JudgedQueries | null,
): Promise<JudgedQueries | null> {
  if (judged === null) return null;
  const given = [...judged.judgements.values()].flatMap((grades) => [...grades.keys()]);
  const known = await inReadOnly(pool, TABLE_LIMITS, (client) => canonicalKeys(client, target, given));
  const judgements = new Map(
    [...judged.judgements].map(([query, grades]) => [
      query,
      new Map([...grades].map(([key, grade]) => [known.get(key) ?? key, grade])),
    ]),
  );
  return { ...judged, judgements };
}

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

/** As the index was built; null where it has none. */
async function listsOf({ pool, target }: SearchContext): Promise<number | null> {
  const found = await pool.query<{ lists: number }>(
    `SELECT o.option_value::int AS lists FROM pg_class c CROSS JOIN pg_options_to_table(c.reloptions) o
      WHERE c.oid = to_regclass($1) AND o.option_name = 'lists'`,
    [quoteQualified({ schema: target.schema, name: target.indexName })],
  );
  return found.rows[0]?.lists ?? null;
}
