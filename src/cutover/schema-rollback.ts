/**
 * The way back to the table as it was found. Each step can be done again; what is known to be ours is known from the
 * ledger, so the ledger goes last.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/settings.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { DDL_LIMITS, inTransaction } from '../db/transaction.ts';
import { GateError, TransientError, messageOf } from '../errors.ts';
import { recordEvent } from '../ledger/event/event.ts';
import {
  LEGACY_READS,
  readModeOf,
  saveReadMode,
  showReadChoice,
  msSinceReadMode,
} from '../ledger/reads/read-mode.ts';
import { OPEN_STATES, latestRun, type Run } from '../ledger/run/run.ts';
import { saveSyncMode, syncMode } from '../ledger/changes/drain-lease.ts';
import { pause } from '../planning/pause.ts';
import { isSyncScheduled, unscheduleSync } from '../queue/jobs/producer.ts';
import { READ_MODE_SEEN_SECONDS } from '../search/create-search.ts';
import { missingCapture } from '../sync/capture.ts';
import { neededReleaseWithoutTable, releaseCapture, releaseWithoutTable } from '../sync/release-capture.ts';
import type { Target } from '../table/backfill-target.ts';
import { currentUser } from './current-user.ts';
import {
  addedObjects,
  dropAddedIndexSql,
  dropColumnsSql,
  dropStageSql,
  stageAlone,
  type AddedObjects,
} from './added-objects.ts';
import type { AddedIndex } from '../ledger/backfill/known-objects.ts';
import { dropIndexUnderShortLocks } from './drop-index.ts';
import { deleteBackfill } from './delete-backfill.ts';
import { otherBackfills, takesSchemaAlong } from '../ledger/backfill/remove.ts';
import { untilNoBuild, waitUntilIdle, type Queues } from './wait-until-idle.ts';
import { changeReads } from './change-reads.ts';
import { dropSearchFunction } from './search-function.ts';
import type { PlannedStep } from './planned-steps.ts';

export interface SchemaRollbackInput {
  pool: Pool;
  target: Target;
  /** False where the table is gone, and what was added to it with it; true where absent. */
  present?: boolean;
  settings: Settings;
  queues: Queues;
  reason: string;
}

/** Reads only. */
export async function planSchemaRollback(input: SchemaRollbackInput): Promise<PlannedStep[]> {
  const { pool, target } = input;
  const run = await latestRun(pool, target.backfill);
  const added = input.present === false ? await stageAlone(pool, target) : await addedObjects(pool, target);
  return [
    await readsStep(input, run),
    await haltStep(input, run),
    await functionStep(input),
    ...added.indexes.map((index) => indexStep(input, index)),
    ...columnSteps(input, added),
    stageStep(input, added),
    queueStep(input),
    await ledgerStep(input, added),
  ];
}

const step = (
  name: string,
  actions: string[],
  run: () => Promise<void>,
  notes: string[] = [],
): PlannedStep => ({
  name,
  actions,
  notes,
  run,
});

async function readsStep(
  { pool, target, reason }: SchemaRollbackInput,
  run: Run | null,
): Promise<PlannedStep> {
  const from = await readModeOf(pool, target.backfill);
  const actions =
    from.mode === 'legacy'
      ? []
      : [
          `read mode ${showReadChoice(from)} → legacy, and ${READ_MODE_SEEN_SECONDS} s for applications to see it`,
        ];
  return step('reads', actions, async () => {
    const to = LEGACY_READS;
    const change = { to, reason, override: null, detail: {}, statements: [], prepare: '' };
    if (run === null) await saveReadMode(pool, target.backfill, to, { by: await currentUser(pool), reason });
    else await changeReads(pool, run, change);
  });
}

/** Capture first, so that no new work comes; then what is under way is waited for. */
async function haltStep(input: SchemaRollbackInput, run: Run | null): Promise<PlannedStep> {
  const { pool, target, settings, queues, reason, present = true } = input;
  const { backfill } = target;
  const captured = (): Promise<string[]> =>
    present ? missingCapture(pool, target, 'off') : neededReleaseWithoutTable(pool, target);
  const statements = await captured();
  const pauses = run !== null && OPEN_STATES.includes(run.state);
  const actions = [
    ...(pauses ? [`pause run ${run.id}: workers begin nothing more`] : []),
    ...statements.map((sql) => `${sql};`),
    ...((await syncMode(pool, backfill)) === 'off' ? [] : ['set sync.mode to off in the ledger']),
    ...((await isSyncScheduled(queues.sync)) ? ['remove the job scheduler sync from the queue'] : []),
    `wait up to ${settings.worker.drainSeconds} s until no job, no drain and no index build is under way`,
  ];
  return step('halt', actions, async () => {
    const by = await currentUser(pool);
    await recordEvent(pool, {
      backfill,
      run: run?.id ?? null,
      level: 'warn',
      kind: 'schema.rollback',
      message: `back to the table as it was found${reason === '' ? '' : `: ${reason}`}`,
      detail: { by, reason },
    });
    if (pauses) await pause(pool, run, 'rollback to the legacy schema');
    // First, and the triggers looked at behind it: a worker arms them again as long as the ledger says so.
    if ((await syncMode(pool, backfill)) !== 'off')
      await saveSyncMode(pool, backfill, 'off', 'dropped by rollback');
    const patienceMs = settings.worker.drainSeconds * 1000;
    if (present && statements.length > 0) await untilNoBuild(pool, target, patienceMs);
    await (present ? releaseCapture(pool, target) : releaseWithoutTable(pool, target));
    await unscheduleSync(queues.sync);
    await waitUntilIdle(pool, target, queues, patienceMs, present);
    await untilReadsAreSeen(pool, backfill);
  });
}

/** A search that went by the mode before must not meet a table without its column. */
async function untilReadsAreSeen(db: Queryable, backfill: string): Promise<void> {
  const ms = READ_MODE_SEEN_SECONDS * 1000 - (await msSinceReadMode(db, backfill));
  if (ms > 0) await delay(Math.min(ms, READ_MODE_SEEN_SECONDS * 1000));
}

async function functionStep({ pool, target }: SchemaRollbackInput): Promise<PlannedStep> {
  const statements = await dropSearchFunction(pool, target);
  return step('function', statements.map(ended), () => underLocks(pool, target, statements));
}

function indexStep({ settings }: SchemaRollbackInput, index: AddedIndex): PlannedStep {
  const sql = dropAddedIndexSql(index);
  return step('index', [ended(sql)], () =>
    dropIndexUnderShortLocks(settings.database.direct ?? settings.database.url, sql),
  );
}

function columnSteps({ pool, target }: SchemaRollbackInput, { columns, kept }: AddedObjects): PlannedStep[] {
  const sql = dropColumnsSql(target, columns);
  const notes = kept.map((name) => `${name} stays: it was there before, or nothing says that it is ours`);
  const actions = columns.length === 0 ? [] : [ended(sql)];
  return [step('columns', actions, () => underLocks(pool, target, [sql]), notes)];
}

function stageStep({ pool, target }: SchemaRollbackInput, { stage }: AddedObjects): PlannedStep {
  const sql = dropStageSql(target);
  return step('staging', stage ? [ended(sql)] : [], () => underLocks(pool, target, [sql]));
}

function queueStep({ queues }: SchemaRollbackInput): PlannedStep {
  const all = Object.values(queues);
  return step('queue', [`empty the queues ${all.map(({ name }) => name).join(', ')}`], async () => {
    for (const queue of all) await queue.obliterate({ force: true });
  });
}

async function ledgerStep(
  { pool, target, reason }: SchemaRollbackInput,
  added: AddedObjects,
): Promise<PlannedStep> {
  const { backfill } = target;
  const others = await otherBackfills(pool, backfill);
  const action =
    others.length === 0
      ? (await takesSchemaAlong(pool))
        ? 'DROP SCHEMA pgvector_backfill, with all its tables;'
        : 'DROP all tables of schema pgvector_backfill, which stays: this user could not make it again;'
      : `delete the rows of ${backfill} from schema pgvector_backfill, which ${others.join(', ')} goes on to use`;
  const notes = [
    'the extension vector stays, others may use it by now: DROP EXTENSION vector takes it away where nobody does',
    ...(added.columns.length > 0
      ? ['the space of dropped columns is free once their rows are rewritten (VACUUM FULL, or in time)']
      : []),
  ];
  return step('ledger', [action], () => deleteBackfill(pool, backfill, reason), notes);
}

const ended = (sql: string): string => `${sql};`;

/** Under a short lock timeout, with retries. */
export async function underLocks(pool: Pool, target: Target, statements: readonly string[]): Promise<void> {
  try {
    await inTransaction(pool, DDL_LIMITS, async (client) => {
      for (const sql of statements) await client.query(sql);
    });
  } catch (error) {
    const table = `${target.schema}.${target.name}`;
    if (hasSqlState(error, SQLSTATE.dependent))
      throw new GateError(`Something else depends on it: ${messageOf(error)}.`, {
        code: 'OBJECT_IN_USE',
        remedy: 'Drop the view, function or constraint that stands on it, then do it again.',
        cause: error,
      });
    if (!hasSqlState(error, SQLSTATE.lockTimeout)) throw error;
    throw new TransientError(
      `${table} could not be changed: other transactions held it through ${DDL_LIMITS.tries} tries of ${DDL_LIMITS.lockTimeoutMs} ms.`,
      {
        code: 'TABLE_LOCKED',
        remedy: 'End the long transactions on the table (pg_stat_activity, pg_locks) and do it again.',
        cause: error,
      },
    );
  }
}
