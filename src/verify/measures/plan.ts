/** Does the planner use the index for the search's query, and if not, why? */

import type { Settings } from '../../config/settings.ts';
import { quoteQualified } from '../../db/identifiers.ts';
import type { Pool, Queryable } from '../../db/pool.ts';
import { filterFault, type Filter } from '../../search/queries/filter.ts';
import type { ReadSettings } from '../../ledger/reads/read-settings.ts';
import { nearestSql, nearestValues, withScan, type ScanMode } from '../../search/queries/vector-query.ts';
import { leavesOf } from '../../table/partitions.ts';
import type { Target } from '../../table/backfill-target.ts';
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
  const planned = await explain(input, vector, filter, 'planned');
  const names = await namesOf(input);
  const found = scanOf(planned.Plan, names);
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
  if (found.usesIndex)
    return { ...measured, node: found.node, usesIndex: true, onlyWhenForced: false, reason: 'index', cost };
  const other = await explain(input, vector, filter, 'index');
  const forced = scanOf(other.Plan, names);
  const { readsAll, by } = found;
  const reason = await explainReason(input, {
    usable: forced.usesIndex,
    filtered: filter !== null,
    readsAll,
    by,
  });
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
      `EXPLAIN (${mode === 'planned' ? 'ANALYZE, BUFFERS, ' : ''}FORMAT JSON) ${nearestSql(target, settings.metric, filter, 'planned', read)}`,
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

/** Scans of a partitioned table that are told one by one. */
const MAX_SHOWN = 3;

interface TableNames {
  /** Bare names of the tables that hold the rows: the partitions of a partitioned one. */
  tables: readonly string[];
  /** Of the vector index, or of its parts. */
  indexes: readonly string[];
}

async function namesOf({ pool, target }: PlanInput): Promise<TableNames> {
  const { store } = target;
  if (!store.isPartitioned) return { tables: [store.name], indexes: [target.indexName] };
  const parts = await pool.query<{ name: string }>(
    `SELECT c.relname::text AS name FROM pg_partition_tree(to_regclass($1)) t JOIN pg_class c ON c.oid = t.relid WHERE t.isleaf`,
    [quoteQualified({ schema: store.schema, name: target.indexName })],
  );
  return {
    tables: (await leavesOf(pool, store.table)).map(({ name }) => name),
    indexes: parts.rows.map(({ name }) => name),
  };
}

interface Scan {
  node: string;
  usesIndex: boolean;
  /** Whether some part of the table is read from beginning to end. */
  readsAll: boolean;
  by: string[];
}

/** A partitioned table is read by one scan for each of its partitions, each by its own index. */
function scanOf(plan: PlanNode, { tables, indexes }: TableNames): Scan {
  const nodes = flatten(plan);
  const found = nodes.filter((node) => tables.includes(node['Relation Name'] ?? ''));
  const scans = found.length > 0 ? found : nodes.slice(-1);
  const shown = scans.map((scan) =>
    scan['Index Name'] === undefined ? scan['Node Type'] : `${scan['Node Type']} using ${scan['Index Name']}`,
  );
  const more = shown.length > MAX_SHOWN ? ` and ${shown.length - MAX_SHOWN} more` : '';
  const together = nodes.find((node) => node['Node Type'].endsWith('Append'))?.['Node Type'] ?? 'Append';
  return {
    node:
      shown.length <= 1
        ? (shown[0] ?? 'none')
        : `${together} of ${shown.slice(0, MAX_SHOWN).join(', ')}${more}`,
    usesIndex: scans.every((scan) => indexes.includes(scan['Index Name'] ?? '')),
    readsAll: scans.some((scan) => scan['Node Type'].endsWith('Seq Scan')),
    by: scans.flatMap((scan) => scan['Index Name'] ?? []),
  };
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap((each) => flatten(each))];
}
