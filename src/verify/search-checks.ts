/** Checks of the search itself: plan, recall and latency. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import type { Target } from '../table/target.ts';
import type { Check } from './check.ts';
import { explainSearch } from './plan.ts';
import { RECALL_K, measureRecall, percentile } from './recall.ts';
import { sampleRows } from './sample.ts';

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
}

export async function checkSearch(
  input: SearchInput,
  embedded: number,
): Promise<{ checks: Check[]; measures: SearchMeasures }> {
  const { pool, target, settings } = input;
  const [sample] = embedded === 0 ? [] : await sampleRows(pool, target, embedded, 1);
  if (sample === undefined) return nothingToSearch(input);
  const plan = await explainSearch(pool, target, settings, sample.vector);
  const recall = await measureRecall(pool, target, settings, embedded);
  const [index, exact] = [percentile(recall.indexMs, 0.5), percentile(recall.exactMs, 0.5)];
  const checks: Check[] = [
    {
      name: 'plan',
      passed: plan.usesIndex,
      value: plan.node,
      threshold: target.indexName,
      detail: !plan.usesIndex
        ? 'the planner cannot use the index for this query: check metric, index and column'
        : plan.onlyWhenForced
          ? 'the table is so small that the planner reads all of it; the index serves the query once that is dearer'
          : 'the planner uses the index by itself',
    },
    {
      name: `recall@${RECALL_K}`,
      passed: (recall.recall ?? 1) >= settings.verifyRecall,
      value: recall.recall,
      threshold: settings.verifyRecall,
      detail: `index against exact search, ${recall.queries} sampled rows as queries`,
    },
    {
      name: 'latency',
      passed: true,
      value: index,
      threshold: null,
      detail: `median ms per query: index ${index?.toFixed(2)}, exact ${exact?.toFixed(2)} (without the model's time for the query text)`,
    },
  ];
  const measures = {
    usesIndex: plan.usesIndex,
    planNode: plan.node,
    recallAt10: recall.recall,
    vectorP50Ms: index,
    exactP50Ms: exact,
  };
  return { checks, measures };
}

function nothingToSearch({ target, settings }: SearchInput): { checks: Check[]; measures: SearchMeasures } {
  const detail = 'no row has a vector, so there is nothing to search';
  const idle = (name: string, threshold: number | string | null): Check => ({
    name,
    passed: true,
    value: null,
    threshold,
    detail,
  });
  return {
    checks: [
      idle('plan', target.indexName),
      idle(`recall@${RECALL_K}`, settings.verifyRecall),
      idle('latency', null),
    ],
    measures: { usesIndex: false, planNode: null, recallAt10: null, vectorP50Ms: null, exactP50Ms: null },
  };
}
