/** Step 6, transaction B: staged vectors into the legacy table, set by set, each row only if its text is still that of the vector. */

import { quoteName } from '../db/identifiers.ts';
import { messageOf } from '../errors.ts';
import type { Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { LEDGER_LIMITS, TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { lockClaim, type Claim } from '../ledger/claim.ts';
import { quarantineRows, releaseRows } from '../ledger/rows/quarantine.ts';
import { beforeUpdateTriggers } from '../table/before-update-triggers.ts';
import { textHashSql } from '../ledger/rows/row-state.ts';
import {
  keyAliases,
  keyInSql,
  keyListSql,
  keyOrderSql,
  keyRefs,
  keyTextSql,
  legacyKey,
  sameKeySql,
  aliasedKey,
} from '../table/key.ts';
import { legacyRangeSql, stageRangeSql, type KeyRange } from '../table/key-range.ts';
import type { Target } from '../table/backfill-target.ts';
import { StatementRamp } from '../throttle/statement-size.ts';
import { Bisection } from './bisect-rows.ts';
import type { PipelineContext } from './pipeline-context.ts';
import type { EmbeddedPage } from './embed-rows.ts';
import type { WorkRow } from './read-rows.ts';
import { WrittenRows } from './written-rows.ts';

/**
 * Locks what is free of these keys, in key order, and gives it back. Rows that another transaction holds are skipped and
 * come again: whoever never waits for a row while it holds others can neither hold up the application nor be part of a
 * deadlock with it. NO KEY UPDATE is what the UPDATE itself takes; rows that refer to these may still be inserted.
 */
function lockSql(target: Target, keys: readonly string[], values: unknown[]): string {
  const key = legacyKey(target);
  return `SELECT ${keyTextSql(target, key)} AS key FROM ${target.table} WHERE ${legacyRangeSql(target, rangeOf(keys), values)}
    ORDER BY ${keyOrderSql(target, key)} FOR NO KEY UPDATE SKIP LOCKED`;
}

/** @param keys in order. @returns those that are locked now, in order. */
async function lockRows(db: Queryable, target: Target, keys: readonly string[]): Promise<string[]> {
  const values: unknown[] = [];
  const locked = await db.query<{ key: string }>(lockSql(target, keys, values), values);
  return locked.rows.map((row) => row.key);
}

/**
 * The UPDATE. The hash is computed on the row that is updated, not on a join with itself: where the row is locked by
 * another transaction, PostgreSQL checks the condition again on what that transaction leaves behind.
 * Both tables are bounded by the first and the last key: from the list alone the planner may conclude that reading the
 * whole legacy table is cheaper. CASE keeps the operator's expressions to the rows of the list: one beside them, on which
 * they raise, is none of this statement's.
 * @param keys in order @param values of `fingerprint`, and of what else the statement asks for
 */
export function mergeSql(
  target: Target,
  fingerprint: string,
  keys: readonly string[],
  values: unknown[],
): string {
  const legacy = legacyKey(target);
  const range = rangeOf(keys);
  const inStage = stageRangeSql(target, range, values);
  const isSame = sameKeySql(target, legacy, keyAliases(target, 'pgvb_staged.'));
  return `UPDATE ${target.table} SET ${quoteName(target.column)} = pgvb_staged.pgvb_vector, ${quoteName(target.updatedAtColumn)} = now()
    FROM (SELECT ${aliasedKey(target, keyRefs(target))}, embedding AS pgvb_vector, text_hash AS pgvb_hash
            FROM ${target.stage} WHERE ${inStage}) pgvb_staged
   WHERE ${legacyRangeSql(target, { ...range, keys: undefined }, values)} AND ${isSame}
     AND CASE WHEN ${isSame}
              THEN ${target.where} AND ${textHashSql(target, fingerprint)} = pgvb_staged.pgvb_hash END`;
}

/** @param keys in order */
const rangeOf = (keys: readonly string[]): KeyRange => ({
  lower: keys[0] ?? null,
  upper: keys.at(-1) ?? null,
  isThrough: true,
  keys,
});

/**
 * Takes away vectors of rows that have no usable text (any more), if that is still so.
 * $1 hashes, $2 fingerprint; the keys go behind them.
 */
export function clearSql(target: Target, keys: readonly string[], values: unknown[]): string {
  const column = quoteName(target.column);
  const key = legacyKey(target);
  const isSame = sameKeySql(target, key, keyAliases(target, 'pgvb_gone.'));
  return `UPDATE ${target.table} SET ${column} = NULL, ${quoteName(target.updatedAtColumn)} = now()
    FROM (SELECT ${keyAliases(target).join(', ')}, pgvb_hash FROM ${keyListSql(target, keys, values, 'u', '$1::bytea[]', 'pgvb_hash')}) pgvb_gone
   WHERE ${keyInSql(target, key, keys, values)} AND ${isSame} AND ${target.ref}.${column} IS NOT NULL
     AND CASE WHEN ${isSame} THEN ${textHashSql(target, '$2')} = pgvb_gone.pgvb_hash END`;
}

/** @returns false where another worker has taken over, or the run was stopped while the throttle held it. */
export async function mergePage(
  context: PipelineContext,
  claim: Claim,
  rows: readonly WorkRow[],
  page: EmbeddedPage,
  writes = new WrittenRows(),
): Promise<boolean> {
  const unusable = new Set(page.unusable.map(({ row }) => row.key));
  const isCleared = (row: WorkRow): boolean => row.empty || unusable.has(row.key);
  const { throttle, settings } = context;
  const triggers = await beforeUpdateTriggers(context.pool, context.target.table);
  const ramp = new StatementRamp(settings.throttle.statementMs);
  const merging: Merging = { writes, mayAlter: triggers.length > 0, ramp };
  for (const [part, merge] of [
    [rows.filter((row) => !isCleared(row)), mergeRows],
    [rows.filter(isCleared), clearRows],
  ] as const) {
    const bisection = new Bisection<WorkRow>(
      (some) => writeFree(context, claim, some, merge, merging),
      (row, error) => refuseRow(context, claim, row, error),
    );
    for (let start = 0; start < part.length;) {
      const some = part.slice(start, start + ramp.rows(throttle.statementRows));
      if (!(await throttle.admit(some.length)) || !(await bisection.write(some))) return false;
      start += some.length;
    }
  }
  return true;
}

interface Merging {
  writes: WrittenRows;
  /** A trigger may change the text while the vector is written. */
  mayAlter: boolean;
  /** Of the statements of this page. */
  ramp: StatementRamp;
}

/** @returns by key, the hash of the text that the update left behind, of rows for which it was asked. */
type Merge = (
  db: Queryable,
  context: PipelineContext,
  rows: readonly WorkRow[],
  mayAlter: boolean,
) => Promise<ReadonlyMap<string, Buffer>>;

/** Those of the rows that nobody else holds, in one transaction. @returns false where another worker has taken over. */
async function writeFree(
  context: PipelineContext,
  claim: Claim,
  rows: readonly WorkRow[],
  merge: Merge,
  { writes, mayAlter, ramp }: Merging,
): Promise<boolean> {
  const { throttle } = context;
  let took = { rows: 0, ms: 0 };
  let free: WorkRow[] = [];
  let left: ReadonlyMap<string, Buffer> = new Map();
  const held = await inTransaction(context.pool, TABLE_LIMITS, async (client) => {
    if (!(await lockClaim(client, claim))) return false;
    const started = performance.now();
    const keys = await lockRows(
      client,
      context.target,
      rows.map((row) => row.key),
    );
    const locked = new Set(keys);
    free = rows.filter((row) => locked.has(row.key));
    if (free.length > 0) left = await merge(client, context, free, mayAlter);
    took = { rows: keys.length, ms: performance.now() - started };
    return true;
  }).catch((error: unknown) => {
    if (hasSqlState(error, SQLSTATE.queryCanceled)) throttle.timedOut();
    throw error;
  });
  if (held) for (const row of free) writes.note(row.key, row.hash, left.get(row.key) ?? null);
  ramp.observe(took.rows, took.ms);
  await throttle.observe(claim.run, took.rows, took.ms);
  return held;
}

/** The table takes no UPDATE of this row: it stays as it is, and is quarantined with what PostgreSQL says. */
function refuseRow(
  { pool, target }: PipelineContext,
  claim: Claim,
  row: WorkRow,
  error: unknown,
): Promise<boolean> {
  const reason = `the table refuses the row's vector: ${messageOf(error)}`;
  return inTransaction(pool, LEDGER_LIMITS, async (client) => {
    if (!(await lockClaim(client, claim))) return false;
    await quarantineRows(client, target.backfill, claim, [
      { key: row.key, class: 'refused', reason, textHash: row.hash },
    ]);
    return true;
  });
}

async function mergeRows(
  db: Queryable,
  { target, embedder }: PipelineContext,
  rows: readonly WorkRow[],
  mayAlter: boolean,
): Promise<Map<string, Buffer>> {
  const keys = rows.map((row) => row.key);
  const quarantined = rows.filter((row) => row.wasQuarantined).map((row) => row.key);
  const values: unknown[] = [embedder.fingerprint];
  // What comes back is what was written: asked for where that may be something else than what was meant.
  const returning =
    mayAlter || quarantined.length > 0
      ? ` RETURNING ${keyTextSql(target, legacyKey(target))} AS key, ${mayAlter ? textHashSql(target, '$1') : 'NULL::bytea'} AS hash`
      : '';
  const updated = await db.query<{ key: string; hash: Buffer | null }>(
    mergeSql(target, '$1', keys, values) + returning,
    values,
  );
  const done = new Map(updated.rows.map(({ key, hash }) => [key, hash]));
  await releaseRows(
    db,
    target.backfill,
    quarantined.filter((key) => done.has(key)),
  );
  return new Map([...done].flatMap(([key, hash]) => (hash === null ? [] : [[key, hash] as const])));
}

async function clearRows(
  db: Queryable,
  { target, embedder }: PipelineContext,
  rows: readonly WorkRow[],
): Promise<Map<string, Buffer>> {
  const keys = rows.map((row) => row.key);
  const values: unknown[] = [rows.map((row) => row.hash), embedder.fingerprint];
  await db.query(clearSql(target, keys, values), values);
  const staged: unknown[] = [];
  const isStaged = keyInSql(target, keyRefs(target), keys, staged);
  await db.query(`DELETE FROM ${target.stage} WHERE ${isStaged}`, staged);
  const empty = rows.filter((row) => row.empty && row.wasQuarantined).map((row) => row.key);
  await releaseRows(db, target.backfill, empty);
  return new Map();
}
