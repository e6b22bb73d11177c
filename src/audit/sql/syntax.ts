/**
 * SQL of applications, read and written by PostgreSQL's own grammar (libpg_query, in WASM): nothing of it is guessed from its
 * text. Loaded by the audit alone.
 */

import { loadModule, parseSync, type Node } from 'libpg-query';
import { deparseSync } from 'pgsql-deparser';

/** What stands under the name of its kind in a tree, whichever that is. */
type Tree = Record<string, unknown>;

let loading: Promise<void> | null = null;

/** Before anything else of this file. */
export const loadGrammar = (): Promise<void> => (loading ??= loadModule());

/** The one statement of a text. @throws Error where it is not one statement of PostgreSQL's */
export function parseStatement(text: string): Node {
  const [first, ...more] = parseSync(text).stmts ?? [];
  if (first?.stmt === undefined || more.length > 0) throw new Error('not one statement');
  return first.stmt;
}

/** @param sql as EXPLAIN shows it, or our own @throws Error where it is none */
export function parseExpression(sql: string): Node {
  const [target] = selectOf(`SELECT ${sql}`).targetList ?? [];
  if (target === undefined || !('ResTarget' in target) || target.ResTarget.val === undefined)
    throw new Error('not an expression');
  return target.ResTarget.val;
}

/** An entry of ORDER BY, with its direction. */
export function parseSortKey(sql: string): Extract<Node, { SortBy: unknown }>['SortBy'] {
  const [key] = selectOf(`SELECT 1 ORDER BY ${sql}`).sortClause ?? [];
  if (key === undefined || !('SortBy' in key)) throw new Error('not a sort key');
  return key.SortBy;
}

function selectOf(sql: string): Extract<Node, { SelectStmt: unknown }>['SelectStmt'] {
  const [first] = parseSync(sql).stmts ?? [];
  if (first?.stmt === undefined || !('SelectStmt' in first.stmt)) throw new Error('not a SELECT');
  return first.stmt.SelectStmt;
}

/** On one line, without comments: these may hold anything. */
export const sqlOf = (node: Node): string =>
  deparseSync(node, { pretty: false }).replaceAll(/\s*\n\s*/g, ' ');

/** Every node with the name of its kind, from the outermost on. */
export function* nodesOf(tree: unknown): Generator<Node> {
  if (Array.isArray(tree)) for (const each of tree) yield* nodesOf(each);
  else if (typeof tree === 'object' && tree !== null) {
    const [only, ...more] = Object.keys(tree);
    if (only !== undefined && more.length === 0 && /^[A-Z]/.test(only)) yield tree as Node;
    for (const each of Object.values(tree)) yield* nodesOf(each);
  }
}

/** In its place in the tree. */
export function replaceNode(node: Node, by: Node): void {
  for (const kind of Object.keys(node)) delete (node as Tree)[kind];
  Object.assign(node, structuredClone(by));
}

/** The strings of a list, such as the parts of a name. */
export const wordsOf = (list: readonly Node[] | undefined): string[] =>
  (list ?? []).flatMap((each) => ('String' in each ? [each.String.sval ?? ''] : []));

/** The highest number of a parameter. */
export function parameterCount(tree: unknown): number {
  let count = 0;
  for (const node of nodesOf(tree))
    if ('ParamRef' in node) count = Math.max(count, node.ParamRef.number ?? 0);
  return count;
}
