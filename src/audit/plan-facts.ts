/** What a plan says about the order by distance: which index gives it, or what is sorted instead. */

import type { PlanNode } from './explain.ts';
import { conjuncts, type TableName } from './sql/selects.ts';
import { distancesIn, wrappedDistance, type IsColumn, type Wrapped } from './sql/distance.ts';
import { parseExpression, parseSortKey } from './sql/syntax.ts';

/** What has to be known of a store to find it in plans. */
export interface IndexedColumn {
  /** The table that has the vectors, and its partitions. */
  tables: readonly TableName[];
  column: string;
  /** Bare names of all vector indexes of it. */
  indexes: readonly string[];
}

export interface SortedBy extends Wrapped {
  /** Whether the statement wants the larger values of the expression first. */
  isDescending: boolean;
  isNullsFirst: boolean;
  /** Whether other keys come before it. */
  isLater: boolean;
}

export interface PlanFacts {
  /** Whether a vector index gives the order. */
  byIndex: boolean;
  /** Distances that are sorted by, the plainest first. */
  sorted: SortedBy[];
  /** Whether a distance is compared with a number, or only shown. */
  isFiltered: boolean;
  isShown: boolean;
  /** Whether anything is sorted, or cut to a number of rows. */
  isOrdered: boolean;
  /** Whether another relation is read too. */
  isJoined: boolean;
  /** Of the table's scans: conditions on other columns, the rows that these leave, and whether all of it is read for them. */
  hasCondition: boolean;
  rows: number;
  readsAll: boolean;
  cost: number;
}

const flatten = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];

/** Null where the plan reads no such table. */
export function planFacts(plan: PlanNode, { tables, column, indexes }: IndexedColumn): PlanFacts | null {
  const nodes = flatten(plan);
  const isOurs = (node: PlanNode): boolean =>
    tables.some(({ schema, name }) => node['Relation Name'] === name && node.Schema === schema);
  const scans = nodes.filter(isOurs);
  if (scans.length === 0) return null;
  const aliases = new Set(scans.map(({ Alias = '' }) => unnumbered(Alias)));
  const ordered = scans.filter(
    (scan) => scan['Order By'] !== undefined && indexes.includes(scan['Index Name'] ?? ''),
  );
  const isColumn: IsColumn = (fields) =>
    fields.at(-1) === column && (fields.length === 1 || aliases.has(unnumbered(fields.at(-2) ?? '')));
  const conditions = nodes.flatMap((node) => [node.Filter, node['Join Filter']]);
  const filters = conditions.filter((each) => each !== undefined);
  const isOfDistance = (sql: string): boolean => distances(sql, isColumn).length > 0;
  const own = scans.flatMap(({ Filter, ...scan }) => [Filter, scan['Index Cond'], scan['Recheck Cond']]);
  return {
    byIndex: ordered.length > 0,
    sorted: nodes
      .filter((node) => node['Node Type'].endsWith('Sort'))
      .flatMap((node) => sortedBy(node['Sort Key'] ?? [], isColumn))
      .toSorted((a, b) => Number(a.isLater) - Number(b.isLater) || Number(a.isWrapped) - Number(b.isWrapped)),
    isFiltered: filters.some(isOfDistance),
    isShown: nodes.flatMap(({ Output = [] }) => Output).some(isOfDistance),
    isOrdered: nodes.some((node) => node['Node Type'].endsWith('Sort') || node['Node Type'] === 'Limit'),
    isJoined: nodes.some((node) => node['Relation Name'] !== undefined && !isOurs(node)),
    hasCondition: own.some((each) => each !== undefined && isCondition(each, isColumn)),
    rows: sumOfRows(ordered.length > 0 ? ordered : scans),
    readsAll: scans.some((scan) => scan['Node Type'].endsWith('Seq Scan')),
    cost: plan['Total Cost'],
  };
}

/** Scans of partitions, and of a table that stands there twice, get numbers, by which what is above them does not go. */
const unnumbered = (alias: string): string => alias.replace(/(?:_\d+)+$/, '');

const sumOfRows = (scans: readonly PlanNode[]): number =>
  scans.reduce((sum, scan) => sum + scan['Plan Rows'], 0);

/** Whether some part of it is about anything but distances, and about more than that there is a value. */
function isCondition(sql: string, isColumn: IsColumn): boolean {
  try {
    return conjuncts(parseExpression(readable(sql))).some(
      (each) => !('NullTest' in each) && distancesIn(each, isColumn).length === 0,
    );
  } catch {
    return true;
  }
}

function distances(sql: string, isColumn: IsColumn) {
  try {
    return distancesIn(parseExpression(sql), isColumn);
  } catch {
    // EXPLAIN shows what is no SQL in places, such as (SubPlan 1) and a window by its name.
    return [];
  }
}

function sortedBy(keys: readonly string[], isColumn: IsColumn): SortedBy[] {
  return keys.flatMap((key, at) => {
    try {
      const { node, sortby_dir: direction, sortby_nulls: nulls } = parseSortKey(readable(key));
      const found = node === undefined ? null : wrappedDistance(node, isColumn);
      if (found === null) return [];
      const isDescending = direction === 'SORTBY_DESC';
      const isNullsFirst = nulls === 'SORTBY_NULLS_FIRST';
      return [{ ...found, isDescending, isNullsFirst, isLater: at > 0 }];
    } catch {
      return [];
    }
  });
}

/** Values of subqueries have no name in SQL: `(InitPlan 1).col1`, or `$0` before PostgreSQL 17. */
const readable = (key: string): string =>
  key.replaceAll(/\((?:hashed )?(?:InitPlan|SubPlan) \d+\)(?:\.col\d+)?/g, '$1').replaceAll(/\$0\b/g, '$1');
