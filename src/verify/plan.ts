/** Does the planner use the index for the search's query? */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { nearestSql, withScan, type ScanMode } from '../search/vector-query.ts';
import type { Target } from '../table/target.ts';
import { RECALL_K } from './recall.ts';

interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  'Relation Name'?: string;
  Plans?: PlanNode[];
}

export interface PlanResult {
  /** The node that reads the table, such as "Index Scan using articles_embedding_hnsw_idx". */
  node: string;
  usesIndex: boolean;
  /** True where it is used only once sequential scans are turned off: a table so small that reading all of it is cheaper. */
  onlyWhenForced: boolean;
}

export async function explainSearch(
  pool: Pool,
  target: Target,
  settings: Settings,
  vector: string,
): Promise<PlanResult> {
  const planned = await explain(pool, target, settings, vector, 'planned');
  if (planned.usesIndex) return { ...planned, onlyWhenForced: false };
  const forced = await explain(pool, target, settings, vector, 'index');
  return {
    node: forced.usesIndex ? `${planned.node} (${forced.node} when forced)` : planned.node,
    usesIndex: forced.usesIndex,
    onlyWhenForced: true,
  };
}

async function explain(
  pool: Pool,
  target: Target,
  settings: Settings,
  vector: string,
  mode: ScanMode,
): Promise<{ node: string; usesIndex: boolean }> {
  const plan = await withScan(pool, target, mode, async (client) => {
    const found = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (FORMAT JSON) ${nearestSql(target, settings.metric)}`,
      [vector, RECALL_K],
    );
    return found.rows[0]?.['QUERY PLAN'][0].Plan;
  });
  const nodes = plan === undefined ? [] : flatten(plan);
  const scan = nodes.find((node) => node['Relation Name'] === target.name) ?? nodes.at(-1);
  const index = scan?.['Index Name'];
  return {
    node: index === undefined ? (scan?.['Node Type'] ?? 'none') : `${scan?.['Node Type']} using ${index}`,
    usesIndex: index === target.indexName,
  };
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap((each) => flatten(each))];
}
