/** Does the planner use the index for the search's query, and if not, why? */

import type { Settings } from '../config/settings.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { filterFault, type Filter } from '../search/filter.ts';
import type { ReadSettings } from '../search/read-settings.ts';
import { nearestSql, nearestValues, withScan, type ScanMode } from '../search/vector-query.ts';
import type { Target } from '../table/target.ts';
import { explainReason, type PlanReason } from './plan-reason.ts';
import { RECALL_K } from './recall.ts';

interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  'Relation Name'?: string;
  'Total Cost': number;
  'Actual Rows'?: number;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: PlanNode[];
}
interface Explained {
  Plan: PlanNode;
  'Execution Time'?: number;
}

export interface PlanResult {
  /** Name of the filter; null for the plain query. */
  filter: string | null;
  /** The node that reads the table, such as "Index Scan using articles_embedding_hnsw_idx". */
  node: string;
  /** Whether the index serves the query, be it only when forced. */
  usesIndex: boolean;
  /** True where it is used only once sequential scans are turned off. */
  onlyWhenForced: boolean;
  reason: PlanReason;
  /** The planner's estimates; forced is null where the index was chosen by itself. */
  cost: { planned: number; forced: number | null };
  /** Of the run under EXPLAIN ANALYZE. */
  rows: number;
  executionMs: number;
  /** Pages of 8 kB, found in the server's cache and not. */
  buffers: { hit: number; read: number };
}

export interface PlanInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  read: ReadSettings;
}

/** @throws ConfigError where the filter does not run. */
export async function explainSearch(
  input: PlanInput,
  vector: string,
  filter: Filter | null = null,
): Promise<PlanResult> {
  const { target } = input;
  const planned = await explain(input, vector, filter, 'planned');
  const found = scanOf(planned.Plan, target);
  const measured = {
    filter: filter?.name ?? null,
    rows: planned.Plan['Actual Rows'] ?? 0,
    executionMs: planned['Execution Time'] ?? 0,
    buffers: {
      hit: planned.Plan['Shared Hit Blocks'] ?? 0,
      read: planned.Plan['Shared Read Blocks'] ?? 0,
    },
  };
  const cost = { planned: planned.Plan['Total Cost'], forced: null };
  if (found.usesIndex) return { ...measured, ...found, onlyWhenForced: false, reason: 'index', cost };
  const other = await explain(input, vector, filter, 'index');
  const forced = scanOf(other.Plan, target);
  const reason = await explainReason(input, { usable: forced.usesIndex, filtered: filter !== null });
  return {
    ...measured,
    node: forced.usesIndex ? `${found.node} (${forced.node} when forced)` : found.node,
    usesIndex: forced.usesIndex,
    onlyWhenForced: true,
    reason,
    cost: { ...cost, forced: other.Plan['Total Cost'] },
  };
}

async function explain(
  { pool, target, settings, read }: PlanInput,
  vector: string,
  filter: Filter | null,
  mode: ScanMode,
): Promise<Explained> {
  const work = async (client: Queryable): Promise<Explained> => {
    const found = await client.query<{ 'QUERY PLAN': [Explained] }>(
      `EXPLAIN (${mode === 'planned' ? 'ANALYZE, BUFFERS, ' : ''}FORMAT JSON) ${nearestSql(target, settings.metric, filter)}`,
      nearestValues(filter, vector, RECALL_K),
    );
    return (found.rows[0] as { 'QUERY PLAN': [Explained] })['QUERY PLAN'][0];
  };
  try {
    return await withScan(pool, target, mode, work, { filter, read });
  } catch (error) {
    throw filterFault(error, filter);
  }
}

function scanOf(plan: PlanNode, target: Target): { node: string; usesIndex: boolean } {
  const nodes = flatten(plan);
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
