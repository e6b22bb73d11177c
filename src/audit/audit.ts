/** Which statements of the application search by our vectors and miss the index. */

import type { Node } from 'libpg-query';
import type { Config } from '../config/load.ts';
import { parseGenerationName } from '../config/values/generation-name.ts';
import type { Pool } from '../db/pool.ts';
import { NoRunError, messageOf } from '../errors.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';
import { presentGenerations } from '../ledger/generation/generation.ts';
import { configOfGeneration } from '../ledger/generation/settings.ts';
import { answeringGenerations, readModeOf } from '../ledger/reads/read-mode.ts';
import { followScope } from '../ledger/run/scope.ts';
import { estimatedRows } from '../table/estimated-rows.ts';
import { distanceOperator } from '../table/metric.ts';
import { leavesOf } from '../table/partitions.ts';
import { findVectorExtension, isAtLeast } from '../table/vector-extension.ts';
import { explaining, roleSettings } from './explain.ts';
import { foreignName } from './foreign-names.ts';
import { judge, scanSettings, shownSql, type AuditedColumn, type Tried } from './judge.ts';
import { isOurOwn } from './own-statements.ts';
import { REASONS, REMEDIES, type Reason } from './reasons.ts';
import { loadGrammar, parseStatement } from './sql/syntax.ts';
import { withoutConstants } from './sql/selects.ts';
import { withOneVector } from './sql/distance.ts';
import { readStatements, type Source, type Statement } from './statements.ts';
import { indexUsage, usageFault, type IndexUsage } from './usage.ts';
import { indexesOf, viewsOver } from './catalog.ts';

/** Of a statement as it is shown, and of a rewritten one, in characters. */
const MAX_SHOWN = 1000;
const MAX_REWRITTEN = 8000;

export interface AuditedStatement {
  /** `queryid` of pg_stat_statements. */
  id: string;
  role: string | null;
  generation: number;
  /** With `$n` in place of every constant, and cut. */
  statement: string;
  calls: number;
  meanMs: number;
  rowsPerCall: number;
  /** Null where the index serves it. */
  reason: Reason | null;
  why: string | null;
  plan: Tried;
  /** What to run in its place. */
  rewritten: { settings: string[]; statement: string; plan: Tried } | null;
  remedy: string | null;
}

export interface Audit {
  /** No statement and no index was found wanting. */
  passed: boolean;
  statements: AuditedStatement[];
  /** Statements that could not be tried, with the reason. */
  untried: { id: string; calls: number; why: string }[];
  /** Our own, left out. */
  ownStatements: number;
  indexes: (IndexUsage & { generation: number; why: string | null; remedy: string | null })[];
  /** What pg_stat_statements told, or why it did not. */
  source: Exclude<Source, { state: 'present' }> | Omit<Extract<Source, { state: 'present' }>, 'statements'>;
}

/** @throws NoRunError where nothing was enqueued yet */
export async function audit(pool: Pool, config: Config): Promise<Audit> {
  const columns = await auditedColumns(pool, config);
  const reads = answeringGenerations(await readModeOf(pool, config.backfill));
  const indexes: Audit['indexes'] = [];
  for (const { target, generation } of columns) {
    const usage = await indexUsage(pool, target);
    const fault = usageFault(usage, reads.includes(generation));
    indexes.push({ generation, ...usage, why: fault?.why ?? null, remedy: fault?.remedy ?? null });
  }
  const source = await readStatements(pool, await viewsOver(pool, columns));
  const result: Audit = {
    passed: true,
    statements: [],
    untried: [],
    ownStatements: 0,
    indexes,
    source: withoutStatements(source),
  };
  if (source.state === 'present') await judgeAll(pool, columns, source.statements, result);
  result.passed =
    result.statements.every(({ reason }) => reason === null) && indexes.every(({ why }) => why === null);
  return result;
}

function withoutStatements(source: Source): Audit['source'] {
  if (source.state !== 'present') return source;
  const { statements: _, ...rest } = source;
  return rest;
}

async function auditedColumns(pool: Pool, config: Config): Promise<AuditedColumn[]> {
  const present = await presentGenerations(pool, config.backfill);
  const columns: AuditedColumn[] = [];
  for (const each of present) {
    if (each.run === null) continue;
    const own = present.length === 1 ? config : configOfGeneration(config, each);
    const settings = followScope({ id: each.run.id, scope: each.run.scope ?? {} }, own.settings);
    const target = await describeTarget(pool, each.name, settings);
    if (target.dimensions === null) continue;
    const { store } = target;
    columns.push({
      generation: parseGenerationName(each.name).generation,
      target,
      metric: settings.metric,
      tables: [{ schema: store.schema, name: store.name }, ...(await leavesOf(pool, store.table))],
      column: store.column,
      indexes: await indexesOf(pool, target),
      rows: await estimatedRows(pool, store.table),
    });
  }
  if (columns.length === 0) throw new NoRunError(config.backfill);
  return columns;
}

async function judgeAll(
  pool: Pool,
  columns: readonly AuditedColumn[],
  statements: readonly Statement[],
  result: Audit,
): Promise<void> {
  await loadGrammar();
  const { version } = await findVectorExtension(pool);
  const knowsIterative = isAtLeast(version ?? '0', '0.8.0');
  for (const each of statements) {
    const tree = parsed(each.text);
    if (tree === null || !isPlanned(tree)) continue;
    if (isOurOwn(tree)) {
      result.ownStatements++;
      continue;
    }
    try {
      const found = await judged(pool, columns, each, tree, knowsIterative);
      if (typeof found === 'string') result.untried.push({ id: each.id, calls: each.calls, why: found });
      else if (found !== null) result.statements.push(found);
    } catch (error) {
      result.untried.push({ id: each.id, calls: each.calls, why: messageOf(error) });
    }
  }
}

/** Null of what is no statement of PostgreSQL's grammar: the text was cut, or is of an extension's. */
function parsed(text: string): Node | null {
  try {
    return withoutConstants(parseStatement(text));
  } catch {
    return null;
  }
}

const isPlanned = (tree: Node): boolean =>
  ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'].some((kind) => kind in tree);

/** A phrase where it may not be tried; null where it is no search by these vectors. */
async function judged(
  pool: Pool,
  columns: readonly AuditedColumn[],
  { id, role, roleId, calls, rows, totalMs }: Statement,
  given: Node,
  knowsIterative: boolean,
): Promise<AuditedStatement | string | null> {
  const [first] = columns;
  if (first === undefined) return null;
  const settings = await roleSettings(pool, roleId);
  const rowsPerCall = rows / calls;
  return explaining(pool, settings, async (explain, client) => {
    const foreign = await foreignName(client, given, first.target.oid);
    if (foreign !== null) return `it names ${foreign}, whose code would run with the rights of this role`;
    const scan = await scanSettings(client, first.target.vectorPrefix, knowsIterative);
    for (const column of columns) {
      const tree = withOneVector(structuredClone(given), (fields) => fields.at(-1) === column.column);
      const verdict = await judge(explain, tree, column, rowsPerCall, scan);
      if (verdict === null) continue;
      const { reason, plan, rewritten } = verdict;
      const asItIs = verdict.settings.map(([name, value]) => `SET LOCAL ${name} = ${value};`);
      const other = rewritten ?? (asItIs.length > 0 ? { tree, plan } : null);
      return {
        id,
        role,
        generation: column.generation,
        statement: shownSql(tree, MAX_SHOWN),
        calls,
        meanMs: totalMs / calls,
        rowsPerCall,
        reason,
        why: reason === null ? null : whyOf(reason, column),
        plan,
        rewritten:
          other === null
            ? null
            : { settings: asItIs, statement: shownSql(other.tree, MAX_REWRITTEN), plan: other.plan },
        remedy: reason === null ? null : (REMEDIES[reason] ?? (other === null ? BY_HAND : null)),
      };
    }
    return null;
  });
}

const whyOf = (reason: Reason, { metric }: AuditedColumn): string =>
  reason === 'operator'
    ? `${REASONS.operator}, whose operator is ${distanceOperator(metric, '')}`
    : REASONS[reason];

const BY_HAND =
  'Write it so that the table’s own rows are ordered by the distance and limited, in one SELECT: `pgvector-backfill search --sql` prints one that the index serves.';
