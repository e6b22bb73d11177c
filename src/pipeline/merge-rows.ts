/** Step 6, transaction B: staged vectors into their store, set by set, each row only if its text is still that of the vector. */

import { messageOf } from '../errors.ts';
import type { Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { LEDGER_LIMITS, TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { lockClaim, type Claim } from '../ledger/claim.ts';
import { quarantineRows, releaseRows } from '../ledger/rows/quarantine.ts';
import { beforeUpdateTriggers } from '../table/before-update-triggers.ts';
import { StatementRamp } from '../throttle/statement-size.ts';
import { Bisection } from './bisect-rows.ts';
import type { PipelineContext } from './pipeline-context.ts';
import type { EmbeddedPage } from './checked-vectors.ts';
import type { WorkRow } from './read-rows.ts';
import { writesOf } from './store/writes.ts';
import { WrittenRows } from './written-rows.ts';

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
  const triggers = await beforeUpdateTriggers(context.pool, context.target.store.table);
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
    const keys = await writesOf(context.target).hold(
      client,
      context.target,
      rows.map((row) => row.key),
      merge === mergeRows ? 'merge' : 'clear',
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
  const { fingerprint } = embedder;
  // What comes back is what was written: asked for where that may be something else than what was meant.
  const returning = mayAlter ? 'hashes' : quarantined.length > 0 ? 'keys' : 'nothing';
  const merged = await writesOf(target).merge(db, target, keys, { fingerprint, returning });
  const done = new Map(merged.map(({ key, hash }) => [key, hash]));
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
  await writesOf(target).clear(db, target, rows, embedder.fingerprint);
  const empty = rows.filter((row) => row.empty && row.wasQuarantined).map((row) => row.key);
  await releaseRows(db, target.backfill, empty);
  return new Map();
}
