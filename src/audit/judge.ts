/** Whether the index serves a statement: PostgreSQL's own plans say so, and the statement says why not. */

import type pg from 'pg';
import type { Node } from 'libpg-query';
import type { IndexMethod } from '../table/index-plan.ts';
import type { Metric } from '../table/metric.ts';
import { distanceOperator } from '../table/metric.ts';
import type { Target } from '../table/backfill-target.ts';
import { indexedTypeSql } from '../table/distance.ts';
import type { Explain } from './explain.ts';
import { withRows } from './explain.ts';
import { planFacts, type IndexedColumn, type PlanFacts, type SortedBy } from './plan-facts.ts';
import type { Reason } from './reasons.ts';
import { hasLimit } from './sql/selects.ts';
import { rewritten } from './sql/rewrite.ts';
import { nodesOf, sqlOf, wordsOf } from './sql/syntax.ts';

export interface AuditedColumn extends IndexedColumn {
  /** Of the backfill's generations. */
  generation: number;
  target: Target;
  metric: Metric;
  /** Of the table, about. */
  rows: number;
}

export interface Tried {
  /** Whether the vector index gives the order; `forced`: only where other ways were turned off. */
  usesIndex: boolean | 'forced';
  /** The planner's estimate. */
  cost: number;
}

export interface Verdict {
  /** Null where nothing is wrong. */
  reason: Reason | null;
  plan: Tried;
  /** Null where there is none that PostgreSQL would serve by the index. */
  rewritten: { tree: Node; plan: Tried } | null;
  /** To be set in the transaction before it, as name and value. */
  settings: [name: string, value: string][];
}

/** What a session of the statement's role begins with. */
export interface ScanSettings {
  efSearch: number;
  isIterative: boolean;
  /** Since pgvector 0.8.0. */
  knowsIterative: boolean;
}

/** Rows up to which reading all of them takes no time that a search would notice. */
const SMALL_ROWS = 10_000;
/** Rows that a search should be left with by its condition, at least. */
const LEFT_ROWS = 10;
/** hnsw.ef_search counts dead entries too: an answer that it has cut may be a little shorter. */
const CUT_SHARE = 0.9;

/** Whether the nearest rows are to be found in a subquery of their own, as tried one after the other. */
const SHAPES: Partial<Record<Reason, readonly boolean[]>> = {
  join: [true],
  'other-row': [true],
  hidden: [false, true],
  // Of use where a threshold is taken out of it.
  filter: [true],
  cost: [true],
};
const AS_IT_IS: ReadonlySet<Reason> = new Set(['depth', 'later']);

const SERVABLE: ReadonlySet<Reason> = new Set(['join', 'filter', 'cost']);

/** Null where the statement is no search by this column. @param rows that it gives in a call, in the mean */
export async function judge(
  explain: Explain,
  statement: Node,
  column: AuditedColumn,
  rows: number,
  scan: ScanSettings,
): Promise<Verdict | null> {
  const sized = withRows(statement, rows);
  const planned = planFacts(await explain(sized), column);
  if (planned === null || !isSearch(planned)) return null;
  // Of a few rows that another index finds, such as those of given keys, the order is exact.
  if (!planned.byIndex && !planned.readsAll && planned.rows <= SMALL_ROWS)
    return { reason: null, plan: { usesIndex: false, cost: planned.cost }, rewritten: null, settings: [] };
  const forced = planned.byIndex ? planned : planFacts(await explain(sized, true), column);
  const plan: Tried = {
    usesIndex: planned.byIndex || (forced?.byIndex === true && 'forced'),
    cost: planned.cost,
  };
  const reason =
    plan.usesIndex === false
      ? shapeFault(planned, column)
      : servedFault(statement, planned, column, rows, scan);
  if (reason === 'none') return null;
  if (reason === null) return { reason, plan, rewritten: null, settings: [] };
  // Where the index is used already, another form gets no more of it.
  const isLeft = AS_IT_IS.has(reason) || (reason === 'filter' && planned.byIndex);
  const better = isLeft ? null : await tryRewritten(explain, statement, column, rows, reason);
  return {
    reason,
    plan,
    rewritten: better,
    settings: better === null ? settingsFor(reason, rows, scan) : [],
  };
}

/** One that shows the distance of rows that it finds otherwise is none. */
const isSearch = ({ byIndex, sorted, isFiltered, isShown, isOrdered }: PlanFacts): boolean =>
  byIndex || sorted.length > 0 || isFiltered || (isShown && isOrdered);

/** Of a statement that the index could serve: what it gets by it, or why PostgreSQL does otherwise. */
function servedFault(
  statement: Node,
  planned: PlanFacts,
  { target, rows: all }: AuditedColumn,
  rows: number,
  { efSearch, isIterative }: ScanSettings,
): Reason | null {
  if (!hasLimit(statement)) return 'limit';
  const isCut = target.indexed.method === ('hnsw' satisfies IndexMethod) && !isIterative;
  if (planned.byIndex) {
    if (!isCut) return null;
    const left = (efSearch * planned.rows) / Math.max(1, all);
    if (planned.hasCondition && left < LEFT_ROWS) return 'filter';
    return rows <= efSearch && rows >= CUT_SHARE * efSearch ? 'depth' : null;
  }
  if (all <= SMALL_ROWS) return null;
  return planned.isJoined ? 'join' : planned.hasCondition ? 'filter' : 'cost';
}

/** Of one that it cannot serve as it stands. */
function shapeFault(planned: PlanFacts, column: AuditedColumn): Reason | 'none' {
  const [by] = planned.sorted;
  if (by === undefined) {
    if (planned.isShown && planned.isOrdered) return 'hidden';
    return planned.isFiltered ? 'threshold' : 'none';
  }
  return orderFault(by, column) ?? 'hidden';
}

function orderFault(by: SortedBy, { target, metric }: AuditedColumn): Reason | null {
  const { distance, isWrapped, direction, isDescending } = by;
  const isBits = target.indexed.type === 'bit';
  const wanted = isBits ? '<~>' : distanceOperator(metric, '');
  const isOtherMetric = distance.operator !== wanted && distance.operator !== distanceOperator(metric, '');
  if (isOtherMetric) return 'operator';
  const isFarthest = (direction === 'reversed') !== isDescending;
  // Of what a constant multiplies, nobody knows which way it goes.
  const isAgainst = direction !== 'unknown' && isFarthest;
  if (shapeOf(distance.row) !== (indexedTypeSql(target) ?? 'column')) return 'cast';
  if (isAgainst) return 'descending';
  if (distance.fn !== null) return 'function';
  if (isWrapped) return 'expression';
  // Of a subquery EXPLAIN shows a parameter.
  if ([...nodesOf(distance.query)].some((node) => 'ColumnRef' in node)) return 'other-row';
  if (by.isNullsFirst && !isDescending) return 'nulls';
  return by.isLater ? 'later' : null;
}

/** As the catalog has the type of an indexed expression: `halfvec(384)`, `bit(384)`, or `column`. */
function shapeOf(row: Node): string {
  if ('ColumnRef' in row) return 'column';
  if (!('TypeCast' in row)) return 'expression';
  const { typeName } = row.TypeCast;
  const [only] = typeName?.typmods ?? [];
  const typmod = only !== undefined && 'A_Const' in only ? `(${only.A_Const.ival?.ival ?? 0})` : '';
  return `${wordsOf(typeName?.names).at(-1) ?? ''}${typmod}`;
}

async function tryRewritten(
  explain: Explain,
  statement: Node,
  column: AuditedColumn,
  rows: number,
  reason: Reason,
): Promise<Verdict['rewritten']> {
  for (const nearestFirst of SHAPES[reason] ?? [false]) {
    const tree = rewritten(statement, column, nearestFirst);
    if (tree === null) return null;
    const plan = await tried(explain, withRows(tree, Math.min(rows, SMALL_ROWS)), column);
    // What PostgreSQL could serve before, it is to serve by itself now.
    const isBetter = SERVABLE.has(reason) ? plan?.usesIndex === true : plan?.usesIndex !== false;
    if (plan !== null && isBetter) return { tree, plan };
  }
  return null;
}

/** Null where it does not run. */
async function tried(explain: Explain, tree: Node, column: AuditedColumn): Promise<Tried | null> {
  try {
    const planned = planFacts(await explain(tree), column);
    if (planned === null) return null;
    if (planned.byIndex) return { usesIndex: true, cost: planned.cost };
    const forced = planFacts(await explain(tree, true), column);
    return { usesIndex: forced?.byIndex === true && 'forced', cost: planned.cost };
  } catch {
    return null;
  }
}

/** Highest that pgvector takes. */
const MAX_EF_SEARCH = 1000;

function settingsFor(reason: Reason, rows: number, scan: ScanSettings): [string, string][] {
  if (reason !== 'depth' && reason !== 'filter') return [];
  if (scan.knowsIterative) return [['hnsw.iterative_scan', 'strict_order']];
  return [['hnsw.ef_search', String(Math.min(MAX_EF_SEARCH, Math.ceil(rows) * 5))]];
}

/** In the transaction of the plans. @param vectorPrefix of pgvector's schema, with its dot */
export async function scanSettings(
  client: pg.PoolClient,
  vectorPrefix: string,
  knowsIterative: boolean,
): Promise<ScanSettings> {
  // The library is loaded by its first use; before that its settings are unknown to the server.
  const found = await client.query<{ ef: string | null; iterative: string | null }>(
    `SELECT pg_catalog.current_setting('hnsw.ef_search', true) AS ef, pg_catalog.current_setting('hnsw.iterative_scan', true) AS iterative
       FROM (SELECT '[1]'::${vectorPrefix}vector AS loaded OFFSET 0) v WHERE v.loaded IS NOT NULL`,
  );
  const { ef = null, iterative = null } = found.rows[0] ?? {};
  return {
    efSearch: Number(ef ?? 40),
    isIterative: iterative !== null && iterative !== 'off',
    knowsIterative,
  };
}

/** Cut to what a person reads; a rewritten statement is of use as a whole alone. */
export const shownSql = (tree: Node, max: number): string => {
  const sql = sqlOf(tree);
  return sql.length <= max ? sql : `${sql.slice(0, max - 1)}…`;
};
