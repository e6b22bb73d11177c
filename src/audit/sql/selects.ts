/** The SELECTs of a statement, wherever they stand in it, and what is of each alone. */

import type { Node, SelectStmt } from 'libpg-query';
import { nodesOf, parameterCount, replaceNode, wordsOf } from './syntax.ts';

/** A table by its real names. */
export interface TableName {
  schema: string;
  name: string;
}

/** Each part of a UNION for itself, the outermost first. */
export function selectsOf(tree: unknown): SelectStmt[] {
  const found: SelectStmt[] = [];
  const add = (select: SelectStmt): void => {
    found.push(select);
    if (select.larg !== undefined) add(select.larg);
    if (select.rarg !== undefined) add(select.rarg);
  };
  for (const node of nodesOf(tree)) if ('SelectStmt' in node) add(node.SelectStmt);
  return found;
}

/** Nodes of a part of a SELECT, without those of the SELECTs in it. */
export function* ownNodes(tree: unknown): Generator<Node> {
  if (Array.isArray(tree)) for (const each of tree) yield* ownNodes(each);
  else if (typeof tree === 'object' && tree !== null) {
    if ('SelectStmt' in tree) return;
    const [only, ...more] = Object.keys(tree);
    if (only !== undefined && more.length === 0 && /^[A-Z]/.test(only)) yield tree as Node;
    for (const each of Object.values(tree)) yield* ownNodes(each);
  }
}

export interface FoundTable {
  /** The node of the FROM clause, to be replaced. */
  node: Node;
  /** What its columns are qualified with. */
  alias: string;
}

/** Where a SELECT itself reads one of these tables, each time; by their names alone where it names no schema. */
export function tablesIn({ fromClause }: SelectStmt, tables: readonly TableName[]): FoundTable[] {
  return [...ownNodes(fromClause)].flatMap((node) => {
    if (!('RangeVar' in node)) return [];
    const { relname, schemaname, alias } = node.RangeVar;
    const isOne = tables.some(
      ({ schema, name }) => relname === name && (schemaname === undefined || schemaname === schema),
    );
    return isOne ? [{ node, alias: alias?.aliasname ?? relname ?? '' }] : [];
  });
}

/** Whether more than that table is read by it. */
export const isJoined = ({ fromClause = [] }: SelectStmt): boolean =>
  fromClause.length > 1 || fromClause.some((each) => !('RangeVar' in each));

/** Whether rows of the table become others before they are ordered. */
export const isGrouped = ({ distinctClause, groupClause, targetList, havingClause }: SelectStmt): boolean =>
  distinctClause !== undefined ||
  groupClause !== undefined ||
  havingClause !== undefined ||
  [...ownNodes(targetList)].some((node) => 'FuncCall' in node && node.FuncCall.over !== undefined);

export const hasLimit = (tree: unknown): boolean =>
  selectsOf(tree).some(({ limitCount }) => limitCount !== undefined);

/** What a name or a number of ORDER BY stands for among the columns of the answer; the expression itself otherwise. */
export function meantBy(expression: Node, { targetList = [] }: SelectStmt): Node {
  const valueOf = (node: Node | undefined): Node | undefined =>
    node !== undefined && 'ResTarget' in node ? node.ResTarget.val : undefined;
  if ('ColumnRef' in expression) {
    const [name, ...more] = wordsOf(expression.ColumnRef.fields);
    const target = targetList.find((each) => 'ResTarget' in each && each.ResTarget.name === name);
    if (more.length === 0 && target !== undefined) return valueOf(target) ?? expression;
  }
  if ('A_Const' in expression && expression.A_Const.ival !== undefined)
    return valueOf(targetList[(expression.A_Const.ival.ival ?? 0) - 1]) ?? expression;
  return expression;
}

/**
 * Constants that are left in a text become parameters: the server keeps the words of a statement as they were where it has
 * forgotten it between planning and running. Numbers of columns (ORDER BY, GROUP BY, DISTINCT ON) and those of a type are none.
 */
export function withoutConstants(tree: Node): Node {
  const kept = new Set<Node>();
  for (const { sortClause, groupClause, distinctClause } of selectsOf(tree))
    for (const node of ownNodes([sortClause, groupClause, distinctClause]))
      if ('A_Const' in node && node.A_Const.ival !== undefined) kept.add(node);
  for (const typmods of valuesOf(tree, 'typmods')) for (const node of nodesOf(typmods)) kept.add(node);
  let number = parameterCount(tree);
  for (const node of nodesOf(tree)) {
    if (!('A_Const' in node) || node.A_Const.isnull === true || kept.has(node)) continue;
    replaceNode(node, { ParamRef: { number: ++number } });
  }
  return tree;
}

function* valuesOf(tree: unknown, wanted: string): Generator {
  if (typeof tree !== 'object' || tree === null) return;
  for (const [name, value] of Object.entries(tree)) {
    if (name === wanted) yield value;
    yield* valuesOf(value, wanted);
  }
}

/** The conditions that all have to hold. */
export function conjuncts(where: Node | undefined): Node[] {
  if (where === undefined) return [];
  if ('BoolExpr' in where && where.BoolExpr.boolop === 'AND_EXPR') return where.BoolExpr.args ?? [];
  return [where];
}
