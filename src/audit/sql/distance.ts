/** Distances of a vector column in a tree of SQL: by operators, or by functions, which no index serves. */

import type { Node } from 'libpg-query';
import { nodesOf, wordsOf } from './syntax.ts';

/** pgvector's operators of a distance. */
export const DISTANCE_OPERATORS: readonly string[] = ['<->', '<#>', '<=>', '<+>', '<~>', '<%>'];

/** pgvector's functions, and the operator that means the same. */
export const DISTANCE_FUNCTIONS: Readonly<Record<string, string>> = {
  l2_distance: '<->',
  inner_product: '<#>',
  vector_negative_inner_product: '<#>',
  halfvec_negative_inner_product: '<#>',
  cosine_distance: '<=>',
  l1_distance: '<+>',
  hamming_distance: '<~>',
  jaccard_distance: '<%>',
};

export interface Distance {
  /** Where it stands in the tree. */
  node: Node;
  /** Of pgvector, by which a function goes too. */
  operator: string;
  /** Name of the function; null of an operator. */
  fn: string | null;
  /** Schema that operator or function is named with; null where the path decides. */
  schema: string | null;
  /** The side with the column, as it stands there, and the column in it. */
  row: Node;
  column: Node;
  /** The other side. */
  query: Node;
}

/** Whether a column is the one, by the parts of its name. */
export type IsColumn = (fields: readonly string[]) => boolean;

/** Of the column alone, through casts and functions of it: the name of another column in the same expression is none of ours. */
function columnIn(side: Node, isColumn: IsColumn): Node | null {
  for (const node of nodesOf(side))
    if ('ColumnRef' in node && isColumn(wordsOf(node.ColumnRef.fields))) return node;
  return null;
}

export function distanceAt(node: Node, isColumn: IsColumn): Distance | null {
  let words: string[] = [];
  let sides: (Node | undefined)[] = [];
  let fn: string | null = null;
  if ('A_Expr' in node) {
    words = wordsOf(node.A_Expr.name);
    sides = [node.A_Expr.lexpr, node.A_Expr.rexpr];
    if (!DISTANCE_OPERATORS.includes(words.at(-1) ?? '')) return null;
  } else if ('FuncCall' in node) {
    words = wordsOf(node.FuncCall.funcname);
    sides = node.FuncCall.args ?? [];
    fn = words.at(-1) ?? '';
    if (!Object.hasOwn(DISTANCE_FUNCTIONS, fn)) return null;
  } else return null;
  const [left, right] = sides;
  if (left === undefined || right === undefined) return null;
  const operator = fn === null ? (words.at(-1) ?? '') : (DISTANCE_FUNCTIONS[fn] ?? '');
  const schema = words.length > 1 ? (words[0] ?? null) : null;
  for (const [row, query] of [
    [left, right],
    [right, left],
  ] as const) {
    const column = columnIn(row, isColumn);
    if (column !== null) return { node, operator, fn, schema, row, column, query };
  }
  return null;
}

export function distancesIn(tree: unknown, isColumn: IsColumn): Distance[] {
  return [...nodesOf(tree)].flatMap((node) => distanceAt(node, isColumn) ?? []);
}

/** How an expression goes with the distance in it: the same way, the other way, or by a constant that nobody shows. */
export type Direction = 'same' | 'reversed' | 'unknown';

const turned = (direction: Direction, by: Direction): Direction =>
  direction === 'unknown' || by === 'unknown' ? 'unknown' : direction === by ? 'same' : 'reversed';

export interface Wrapped {
  distance: Distance;
  /** Whether anything is around the distance. */
  isWrapped: boolean;
  direction: Direction;
}

/** The distance that an expression is of; null where it has none, or it stands in a subquery of its own. */
export function wrappedDistance(node: Node, isColumn: IsColumn): Wrapped | null {
  const distance = distanceAt(node, isColumn);
  if (distance !== null)
    return {
      distance,
      isWrapped: false,
      // The larger the product, the nearer: its operator gives the negative.
      direction: distance.fn === 'inner_product' ? 'reversed' : 'same',
    };
  if ('SubLink' in node) return null;
  for (const { inner, by } of around(node)) {
    const found = wrappedDistance(inner, isColumn);
    if (found !== null) return { ...found, isWrapped: true, direction: turned(found.direction, by) };
  }
  return null;
}

/** What they make of many distances is the order of none. */
const AGGREGATES: readonly string[] = ['min', 'max', 'avg', 'sum', 'count', 'array_agg', 'string_agg'];

/**
 * Statements with the vector written into them have a number of its own for each place of it, and the server, which saw one
 * vector, another plan than for two: all that the column is compared with is taken for one. In place.
 */
export function withOneVector(tree: Node, isColumn: IsColumn): Node {
  let first: number | undefined;
  for (const { query } of distancesIn(tree, isColumn)) {
    const value = bareValue(query);
    if (!('ParamRef' in value)) continue;
    first ??= value.ParamRef.number;
    if (first !== undefined) value.ParamRef.number = first;
  }
  return tree;
}

/** A parameter or a constant without its casts, and the vector that bits are made of; anything else as it is. */
export function bareValue(query: Node): Node {
  const isValue = (node: Node): boolean => 'ParamRef' in node || 'A_Const' in node;
  let inner: Node | undefined;
  if ('TypeCast' in query) inner = query.TypeCast.arg;
  if ('FuncCall' in query && wordsOf(query.FuncCall.funcname).at(-1) === 'binary_quantize')
    [inner] = query.FuncCall.args ?? [];
  const bare = inner === undefined ? query : bareValue(inner);
  return isValue(bare) ? bare : query;
}

function around(node: Node): { inner: Node; by: Direction }[] {
  if ('A_Expr' in node) {
    const { lexpr, rexpr, name } = node.A_Expr;
    const operator = wordsOf(name).at(-1) ?? '';
    const isTurning = operator === '-' || operator === '/';
    const byConstant: Direction = operator === '*' ? 'unknown' : 'same';
    return [
      ...(lexpr === undefined ? [] : [{ inner: lexpr, by: byConstant }]),
      ...(rexpr === undefined ? [] : [{ inner: rexpr, by: isTurning ? ('reversed' as const) : byConstant }]),
    ];
  }
  if ('TypeCast' in node)
    return node.TypeCast.arg === undefined ? [] : [{ inner: node.TypeCast.arg, by: 'same' }];
  if ('FuncCall' in node) {
    const { funcname, args = [] } = node.FuncCall;
    if (AGGREGATES.includes(wordsOf(funcname).at(-1) ?? '')) return [];
    return args.map((inner) => ({ inner, by: 'same' as const }));
  }
  if ('CoalesceExpr' in node)
    return (node.CoalesceExpr.args ?? []).map((inner) => ({ inner, by: 'same' as const }));
  return [];
}
