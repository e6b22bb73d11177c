/** What takes a generation's storage out of the database, in steps of which each can be done again: work ends first, the ledger goes last. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../../config/settings.ts';
import type { Pool, Queryable } from '../../db/pool.ts';
import { saveSyncMode, syncMode } from '../../ledger/changes/drain-lease.ts';
import { recordEvent } from '../../ledger/event/event.ts';
import { msSinceReadMode } from '../../ledger/reads/read-mode.ts';
import { OPEN_STATES, latestRun } from '../../ledger/run/run.ts';
import { pause } from '../../planning/pause.ts';
import { isSyncScheduled, unscheduleSync } from '../../queue/jobs/producer.ts';
import { READ_MODE_SEEN_SECONDS } from '../../search/create-search.ts';
import { missingCapture } from '../../sync/capture.ts';
import {
  neededReleaseWithoutTable,
  releaseCapture,
  releaseWithoutTable,
} from '../../sync/release-capture.ts';
import type { Target } from '../../table/backfill-target.ts';
import {
  addedObjects,
  dropAddedIndexSql,
  dropColumnsSql,
  dropStageSql,
  dropTableSql,
  withoutLegacyTable,
  type AddedObjects,
} from '../added-objects.ts';
import { currentUser } from '../current-user.ts';
import { dropIndexUnderShortLocks } from '../drop-index.ts';
import { shownSql, type PlannedStep } from '../planned-steps.ts';
import { underLocks } from '../short-locks.ts';
import { untilNoBuild, waitUntilIdle, type Queues } from '../wait-until-idle.ts';
import { indexBytes, relationBytes } from './storage-bytes.ts';

export interface Removal {
  pool: Pool;
  /** Of that generation, as its settings and its queues are. */
  target: Target;
  /** False where the table is gone, and what was added to it with it; true where absent. */
  present?: boolean;
  settings: Settings;
  queues: Queues;
  /** By the operator. */
  reason: string;
}

/** What the removal is a part of, for run, sync and event log. */
export interface RemovalCause {
  /** Why the run is paused. */
  pause: string;
  /** Why sync is off. */
  sync: string;
  /** Of the event that says that it begins. */
  kind: string;
  message: string;
  /** Further facts for that event. */
  detail?: Record<string, unknown>;
  /** First, and once nothing is at work any more, before anything is dropped; throws where it must not be. */
  check?: () => Promise<void>;
}

/** What came back at once, in bytes: counted as it is dropped. */
export interface Freed {
  index: number;
  staging: number;
  /** Of the vectors beside the legacy table; absent where there are none. */
  table?: number;
}

export const addedIn = ({ pool, target, present = true }: Removal): Promise<AddedObjects> =>
  present ? addedObjects(pool, target) : withoutLegacyTable(pool, target);

/** Capture first, so that no new work comes; then what is under way is waited for. */
export async function haltStep(input: Removal, cause: RemovalCause): Promise<PlannedStep> {
  const { pool, target, settings, queues, reason, present = true } = input;
  const { backfill } = target;
  const run = await latestRun(pool, backfill);
  const captured = (): Promise<string[]> =>
    present ? missingCapture(pool, target, 'off') : neededReleaseWithoutTable(pool, target);
  const statements = await captured();
  const pauses = run !== null && OPEN_STATES.includes(run.state);
  const actions = [
    ...(pauses ? [`pause run ${run.id}: workers begin nothing more`] : []),
    ...statements.map((sql) => shownSql(sql)),
    ...((await syncMode(pool, backfill)) === 'off' ? [] : ['set sync.mode to off in the ledger']),
    ...((await isSyncScheduled(queues.sync)) ? ['remove the job scheduler sync from the queue'] : []),
    `wait up to ${settings.worker.drainSeconds} s until no job, no drain and no index build is under way`,
  ];
  return step('halt', actions, async () => {
    await cause.check?.();
    const by = await currentUser(pool);
    await recordEvent(pool, {
      backfill,
      run: run?.id ?? null,
      level: 'warn',
      kind: cause.kind,
      message: `${cause.message}${reason === '' ? '' : `: ${reason}`}`,
      detail: { by, reason, ...cause.detail },
    });
    if (pauses) await pause(pool, run, cause.pause);
    // First, and the triggers looked at behind it: a worker arms them again as long as the ledger says so.
    if ((await syncMode(pool, backfill)) !== 'off') await saveSyncMode(pool, backfill, 'off', cause.sync);
    const patienceMs = settings.worker.drainSeconds * 1000;
    if (present && statements.length > 0) await untilNoBuild(pool, target, patienceMs);
    await (present ? releaseCapture(pool, target) : releaseWithoutTable(pool, target));
    await unscheduleSync(queues.sync);
    await waitUntilIdle(pool, target, queues, patienceMs, present);
    await untilReadsAreSeen(pool, backfill);
    await cause.check?.();
  });
}

/** A search that went by the mode before must not meet a table without its column. */
async function untilReadsAreSeen(db: Queryable, backfill: string): Promise<void> {
  const ms = READ_MODE_SEEN_SECONDS * 1000 - (await msSinceReadMode(db, backfill));
  if (ms > 0) await delay(Math.min(ms, READ_MODE_SEEN_SECONDS * 1000));
}

/** Index, columns or table beside, staging table, queue. `freed` is added to as they go. */
export function storageSteps(input: Removal, added: AddedObjects, freed: Freed): PlannedStep[] {
  return [
    ...added.indexes.map((index) => indexStep(input, index, freed)),
    columnStep(input, added),
    ...(added.table === null ? [] : [tableStep(input, added.table, freed)]),
    stageStep(input, added, freed),
    queueStep(input),
  ];
}

function indexStep(
  { pool, settings }: Removal,
  index: AddedObjects['indexes'][number],
  freed: Freed,
): PlannedStep {
  const sql = dropAddedIndexSql(index);
  return step('index', [shownSql(sql)], async () => {
    const size = await indexBytes(pool, [index]);
    await dropIndexUnderShortLocks(settings.database.direct ?? settings.database.url, sql);
    freed.index += size;
  });
}

function columnStep({ pool, target }: Removal, { columns, kept }: AddedObjects): PlannedStep {
  const sql = dropColumnsSql(target, columns);
  const notes = kept.map((name) => `${name} stays: it was there before, or nothing says that it is ours`);
  const actions = columns.length === 0 ? [] : [shownSql(sql)];
  return step('columns', actions, () => underLocks(pool, target, [sql]), notes);
}

function tableStep({ pool, target }: Removal, table: string, freed: Freed): PlannedStep {
  const sql = dropTableSql(table);
  return step('table', [shownSql(sql)], async () => {
    const size = await relationBytes(pool, table);
    await underLocks(pool, target, [sql]);
    freed.table = (freed.table ?? 0) + size;
  });
}

function stageStep({ pool, target }: Removal, { stage }: AddedObjects, freed: Freed): PlannedStep {
  const sql = dropStageSql(target);
  return step('staging', stage ? [shownSql(sql)] : [], async () => {
    const size = await relationBytes(pool, target.stage);
    await underLocks(pool, target, [sql]);
    freed.staging += size;
  });
}

function queueStep({ queues }: Removal): PlannedStep {
  const all = Object.values(queues);
  return step('queue', [`empty the queues ${all.map(({ name }) => name).join(', ')}`], async () => {
    for (const queue of all) await queue.obliterate({ force: true });
  });
}

export const step = (
  name: string,
  actions: string[],
  run: () => Promise<void>,
  notes: string[] = [],
): PlannedStep => ({ name, actions, notes, run });
