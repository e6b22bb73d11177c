/** The product's own statements, which workers, verifications and searches run: nobody is told to rewrite them. */

import type { Node } from 'libpg-query';
import { LEDGER_SCHEMA } from '../db/migrate.ts';
import { nodesOf, wordsOf } from './sql/syntax.ts';

/** What every name of ours in a statement begins with. */
const PREFIX = 'pgvb_';
/** Columns of an answer, in `vector-query.ts` and the search function. */
const ANSWER = 'distance';

/** By names of ours, or by operators with their schema over an answer of ours: applications write neither, but for the very same search. */
export function isOurOwn(tree: Node): boolean {
  let isQualified = false;
  let isCast = false;
  let isCatalog = false;
  for (const node of nodesOf(tree)) {
    if ('RangeVar' in node && node.RangeVar.schemaname === LEDGER_SCHEMA) return true;
    if ('RangeVar' in node && node.RangeVar.alias?.aliasname?.startsWith(PREFIX) === true) return true;
    if ('RangeSubselect' in node && node.RangeSubselect.alias?.aliasname?.startsWith(PREFIX) === true)
      return true;
    if ('A_Expr' in node && (node.A_Expr.name?.length ?? 0) > 1) isQualified = true;
    if ('ResTarget' in node && node.ResTarget.name === ANSWER && node.ResTarget.val !== undefined)
      isCast = 'TypeCast' in node.ResTarget.val;
    if ('FuncCall' in node && wordsOf(node.FuncCall.funcname)[0] === 'pg_catalog') isCatalog = true;
    if ('ResTarget' in node && node.ResTarget.name === 'key') isCatalog = true;
  }
  return isQualified && isCast && isCatalog;
}
