/** A statement as the index can serve it: ordered by the distance itself, the nearest first, and limited. */

import type { Node, SelectStmt } from 'libpg-query';
import { quoteName } from '../../db/identifiers.ts';
import { bitDistance, indexedSql } from '../../table/distance.ts';
import { distanceOperator, type Metric } from '../../table/metric.ts';
import type { Target } from '../../table/backfill-target.ts';
import { bareValue, distanceAt, wrappedDistance, type Distance, type IsColumn } from './distance.ts';
import {
  conjuncts,
  isGrouped,
  isJoined,
  meantBy,
  ownNodes,
  selectsOf,
  tablesIn,
  type FoundTable,
  type TableName,
} from './selects.ts';
import { parseExpression, replaceNode, sqlOf, wordsOf } from './syntax.ts';

export interface Column {
  target: Target;
  metric: Metric;
  /** The table, and its partitions where a statement may name one. */
  tables: readonly TableName[];
}

/** Of rows that something is to be taken from yet, and of a statement that names no number. */
const CANDIDATES = 100;
/** By bits, so many for each row that is wanted: see `candidates.ts`. */
const BIT_CANDIDATES = 400;

/** A copy; null where the statement does not read the table by itself, as by a view. @param nearestFirst the table's nearest rows in a subquery, and all else around it */
export function rewritten(statement: Node, column: Column, nearestFirst: boolean): Node | null {
  const copy = structuredClone(statement);
  const all = selectsOf(copy);
  let isChanged = false;
  for (const select of all) isChanged = rewriteSelect(select, all, column, nearestFirst) || isChanged;
  return isChanged ? copy : null;
}

function rewriteSelect(
  select: SelectStmt,
  all: readonly SelectStmt[],
  column: Column,
  nearestFirst: boolean,
): boolean {
  const { target, tables } = column;
  const table = searchedTable(select, tables);
  if (table === null) return false;
  const isColumn: IsColumn = (fields) =>
    fields.at(-1) === target.store.column && (fields.length === 1 || fields.at(-2) === table.alias);
  const asked = askedDistance(select, isColumn);
  if (asked === null) return false;
  const { distance, isSorted } = asked;
  const rest = (select.sortClause ?? []).filter((each) => !isOf(each, select, isColumn));
  const hadLimit = select.limitCount !== undefined;
  const limit = hadLimit ? null : limitOf(select, all);
  const isBits = target.indexed.type === 'bit';
  if (nearestFirst || isBits || isGrouped(select)) {
    const inner = nearestRows(select, table.node, distance, column, { alias: table.alias, isColumn });
    replaceNode(table.node, inner);
    toTheEnd(select, table.node);
    if (!isSorted && isGrouped(select)) return true;
  }
  const order = isBits ? stored(distance, column) : indexed(distance, column);
  select.sortClause = [ascending(order), ...(isGrouped(select) ? [] : rest)];
  if (isGrouped(select) && isSorted) select.sortClause = asked.sort;
  if (limit !== null) {
    select.limitCount = limit;
    select.limitOption = 'LIMIT_OPTION_COUNT';
  }
  return true;
}

/** Of a table that is joined with itself the one that no condition of its own singles out. */
function searchedTable(select: SelectStmt, tables: readonly TableName[]): FoundTable | null {
  const conditions = conjuncts(select.whereClause);
  const own = ({ alias }: FoundTable): number => conditions.filter((each) => isOfAlias(each, alias)).length;
  const [first] = tablesIn(select, tables).toSorted((a, b) => own(a) - own(b));
  return first ?? null;
}

interface Asked {
  distance: Distance;
  /** Whether the SELECT orders by it itself. */
  isSorted: boolean;
  sort: Node[];
}

/** The distance that a SELECT orders by; else one that it shows, or that it compares with a threshold. */
function askedDistance(select: SelectStmt, isColumn: IsColumn): Asked | null {
  const sort = structuredClone(select.sortClause ?? []);
  for (const each of select.sortClause ?? []) {
    if (!('SortBy' in each) || each.SortBy.node === undefined) continue;
    const found = wrappedDistance(meantBy(each.SortBy.node, select), isColumn);
    if (found !== null) return { distance: structuredClone(found.distance), isSorted: true, sort };
  }
  // One that is ordered by something else of its own is no search for the nearest rows.
  if (select.sortClause !== undefined && !isGrouped(select)) return null;
  for (const part of [select.targetList, select.windowClause, select.whereClause])
    for (const node of ownNodes(part)) {
      const distance = distanceAt(node, isColumn);
      if (distance !== null) return { distance: structuredClone(distance), isSorted: false, sort };
    }
  return null;
}

const isOf = (key: Node, select: SelectStmt, isColumn: IsColumn): boolean =>
  'SortBy' in key &&
  key.SortBy.node !== undefined &&
  wrappedDistance(meantBy(key.SortBy.node, select), isColumn) !== null;

const ascending = (node: Node): Node => ({
  SortBy: { node, sortby_dir: 'SORTBY_DEFAULT', sortby_nulls: 'SORTBY_NULLS_DEFAULT', location: -1 },
});

const number = (value: number): Node => ({ A_Const: { ival: { ival: value }, location: -1 } });

/** As many as the statement wants in the end, where nothing is taken from them in between. */
function limitOf(select: SelectStmt, all: readonly SelectStmt[]): Node {
  const others = all.filter((each) => each !== select && each.larg === undefined);
  const around = all.find((each) => each !== select && each.limitCount !== undefined);
  const isTaken = others.some(
    (each) => each.whereClause !== undefined && tableless(each, select) && !isArm(each, all),
  );
  const wanted = around?.limitOffset === undefined && !isTaken ? around?.limitCount : undefined;
  const isJoinedAround = others.some(
    (each) => isGrouped(each) || (each.fromClause?.length ?? 0) > 1 || hasJoin(each),
  );
  return wanted === undefined || isJoinedAround ? number(CANDIDATES) : structuredClone(wanted);
}

const tableless = (each: SelectStmt, select: SelectStmt): boolean => each.fromClause !== select.fromClause;
const isArm = (each: SelectStmt, all: readonly SelectStmt[]): boolean =>
  all.some(({ larg, rarg }) => larg === each || rarg === each);
const hasJoin = ({ fromClause = [] }: SelectStmt): boolean => fromClause.some((each) => 'JoinExpr' in each);

/** `(SELECT * FROM table WHERE … ORDER BY distance LIMIT n) AS alias`, with the conditions on the table alone. */
function nearestRows(
  select: SelectStmt,
  table: Node,
  distance: Distance,
  column: Column,
  { alias, isColumn }: { alias: string; isColumn: IsColumn },
): Node {
  const isBits = column.target.indexed.type === 'bit';
  const conditions = conjuncts(select.whereClause);
  // A threshold behind the nearest rows: before them the planner takes it for a condition that few rows meet.
  const isInner = (each: Node): boolean =>
    !hasDistance(each, isColumn) && (!isJoined(select) || isOfAlias(each, alias));
  const inner = conditions.filter(isInner);
  const outer = conditions.filter((each) => !isInner(each));
  if (inner.length > 0) {
    const left = together(outer);
    if (left === undefined) delete select.whereClause;
    else select.whereClause = left;
  }
  const where = together(inner);
  return {
    RangeSubselect: {
      subquery: {
        SelectStmt: {
          targetList: [{ ResTarget: { val: { ColumnRef: { fields: [{ A_Star: {} }] } } } }],
          fromClause: [structuredClone(table)],
          ...(where === undefined ? {} : { whereClause: structuredClone(where) }),
          sortClause: [ascending(indexed(distance, column))],
          limitCount: number(isBits ? BIT_CANDIDATES : CANDIDATES),
          limitOption: 'LIMIT_OPTION_COUNT',
          op: 'SETOP_NONE',
        },
      },
      alias: { aliasname: alias },
      lateral: [...ownNodes(distance.query)].some((each) => 'ColumnRef' in each) && isJoined(select),
    },
  };
}

/** What a subquery names of the others has to stand before it. */
function toTheEnd(select: SelectStmt, node: Node): void {
  const from = select.fromClause ?? [];
  if (from.includes(node)) select.fromClause = [...from.filter((each) => each !== node), node];
}

const hasDistance = (condition: Node, isColumn: IsColumn): boolean =>
  [...ownNodes(condition)].some((node) => distanceAt(node, isColumn) !== null);

function together(conditions: readonly Node[]): Node | undefined {
  if (conditions.length <= 1) return conditions[0];
  return { BoolExpr: { boolop: 'AND_EXPR', args: [...conditions] } };
}

/** Whether a condition names columns of that table alone, and says so. */
function isOfAlias(condition: Node, alias: string): boolean {
  for (const node of ownNodes(condition)) {
    if ('SubLink' in node) return false;
    if (!('ColumnRef' in node)) continue;
    const fields = wordsOf(node.ColumnRef.fields);
    if (fields.length < 2 || fields.at(-2) !== alias) return false;
  }
  return true;
}

/** Operator and types are named as the statement names its own. */
function sides({ column: row, query, schema }: Distance, { target }: Column) {
  const as: Target = { ...target, vectorPrefix: schema === null ? '' : `${quoteName(schema)}.` };
  const bare = bareValue(query);
  const sql = sqlOf(bare);
  const isValue = 'ParamRef' in bare || 'A_Const' in bare;
  return { as, row: sqlOf(row), vector: isValue ? `${sql}::${as.vectorPrefix}vector` : `(${sql})` };
}

/** By the vectors as they are stored. */
function stored(distance: Distance, column: Column): Node {
  const { as, row, vector } = sides(distance, column);
  const query = as.columnType === 'vector' ? vector : `${vector}::${as.vectorPrefix}halfvec`;
  return parseExpression(`${row} ${distanceOperator(column.metric, as.vectorPrefix)} ${query}`);
}

/** By what the index has of them. */
function indexed(distance: Distance, column: Column): Node {
  const { as, row, vector } = sides(distance, column);
  const [left, right] = [indexedSql(as, row), indexedSql(as, vector)];
  if (left === null || right === null) return stored(distance, column);
  return parseExpression(
    as.indexed.type === 'bit'
      ? bitDistance(as, left, right)
      : `${left} ${distanceOperator(column.metric, as.vectorPrefix)} ${right}`,
  );
}
