/** Checks of the search itself: plan, recall and latency. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import type { ReadSettings } from '../../ledger/reads/read-settings.ts';
import type { Target } from '../../table/backfill-target.ts';
import { checkResultCount } from './result-count.ts';
import type { Check } from '../check.ts';
import { checkSqlFunction } from './sql-function.ts';
import { planCheck } from './plan.ts';
import { explainSearch, type PlanResult } from '../measures/plan.ts';
import { RECALL_K, measureRecall, percentile, type RecallResult } from '../measures/recall.ts';
import { sampleRows } from '../queries/sampled-rows.ts';

export interface SearchMeasures {
  usesIndex: boolean;
  planNode: string | null;
  /** 0 to 1; null where no row has a vector. */
  recallAt10: number | null;
  vectorP50Ms: number | null;
  exactP50Ms: number | null;
}

interface SearchInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  /** What searches are run with: the defaults for reads that the ledger holds. */
  read: ReadSettings;
}

export async function checkSearch(
  input: SearchInput,
  embedded: number,
): Promise<{ checks: Check[]; measures: SearchMeasures; plan: PlanResult | null }> {
  const { pool, target, settings, read } = input;
  const rows = embedded === 0 ? [] : await sampleRows(pool, target, embedded, settings.verify.samples);
  const vectors = rows.map(({ vector }) => vector);
  const [sample] = rows;
  if (sample === undefined) return nothingToSearch(input);
  const plan = await explainSearch(input, sample.vector);
  const recall = await measureRecall(pool, target, settings, embedded, read);
  const [index, exact] = [percentile(recall.indexMs, 0.5), percentile(recall.exactMs, 0.5)];
  const checks: Check[] = [
    planCheck(plan, target),
    recallCheck(recall, input),
    await checkResultCount(input, vectors, embedded),
    ...(await checkSqlFunction(input, sample.vector, embedded)),
    {
      name: 'latency',
      passed: true,
      value: index,
      threshold: null,
      detail: `median ms per query: index ${index?.toFixed(2)}, exact ${exact?.toFixed(2)} (without the model's time for the query text)`,
      remedy: null,
    },
  ];
  const measures = {
    usesIndex: plan.usesIndex,
    planNode: plan.node,
    recallAt10: recall.recall,
    vectorP50Ms: index,
    exactP50Ms: exact,
  };
  return { checks, measures, plan };
}

function recallCheck({ recall, queries }: RecallResult, { settings, read }: SearchInput): Check {
  const passed = (recall ?? 1) >= settings.verify.recall;
  const set = Object.entries(read).map(([name, value]) => `${name} = ${value}`);
  return {
    name: `recall@${RECALL_K}`,
    passed,
    value: recall,
    threshold: settings.verify.recall,
    detail: `index against exact search, ${queries} sampled rows as queries, ${set.length === 0 ? "the server's settings" : set.join(', ')}`,
    remedy: passed
      ? null
      : `\`pgvector-backfill verify\` looks for settings of reads that reach it (check recall-curve); where there are none, build the index with larger ${optionName('index.m')} and ${optionName('index.efConstruction')}, or more ${optionName('index.lists')}.`,
  };
}

function nothingToSearch({ target, settings }: SearchInput): Awaited<ReturnType<typeof checkSearch>> {
  const detail = 'no row has a vector, so there is nothing to search';
  const idle = (name: string, threshold: number | string | null): Check => ({
    name,
    passed: true,
    value: null,
    threshold,
    detail,
    remedy: null,
  });
  return {
    checks: [
      idle('plan', target.indexName),
      idle(`recall@${RECALL_K}`, settings.verify.recall),
      idle(`answers@${RECALL_K}`, null),
      idle('latency', null),
    ],
    measures: { usesIndex: false, planNode: null, recallAt10: null, vectorP50Ms: null, exactP50Ms: null },
    plan: null,
  };
}
