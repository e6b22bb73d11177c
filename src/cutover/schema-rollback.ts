/**
 * The way back to the table as it was found, with all generations of the backfill. Each step can be done again; what is known to
 * be ours is known from the ledger, so the ledger goes last.
 */

import { backfillOf, parseGenerationName } from '../config/values/generation-name.ts';
import type { Pool } from '../db/pool.ts';
import { otherBackfills, takesSchemaAlong } from '../ledger/backfill/remove.ts';
import { LEGACY_READS, readModeOf, saveReadMode, showReadChoice } from '../ledger/reads/read-mode.ts';
import { latestRun, type Run } from '../ledger/run/run.ts';
import { READ_MODE_SEEN_SECONDS } from '../search/create-search.ts';
import type { AddedObjects } from './added-objects.ts';
import { changeReads } from './change-reads.ts';
import { currentUser } from './current-user.ts';
import { deleteBackfill } from './delete-backfill.ts';
import {
  addedIn,
  haltStep,
  step,
  storageSteps,
  type Removal,
  type RemovalCause,
} from './generation/removal-steps.ts';
import { shownSql, type PlannedStep } from './planned-steps.ts';
import { dropSearchFunction } from './search-function.ts';
import { underLocks } from './short-locks.ts';

const CAUSE: RemovalCause = {
  pause: 'rollback to the legacy schema',
  sync: 'dropped by rollback',
  kind: 'schema.rollback',
  message: 'back to the table as it was found',
};

/** Reads only. @param generations all that have storage, newest first */
export async function planSchemaRollback(
  generations: readonly [Removal, ...Removal[]],
): Promise<PlannedStep[]> {
  const halts: PlannedStep[] = [];
  const storage: PlannedStep[] = [];
  const added: AddedObjects[] = [];
  for (const each of generations) {
    const objects = await addedIn(each);
    const { generation } = parseGenerationName(each.target.backfill);
    const named = (steps: PlannedStep[]): PlannedStep[] =>
      generations.length === 1 ? steps : steps.map((one) => ({ ...one, generation }));
    added.push(objects);
    halts.push(...named([await haltStep(each, CAUSE)]));
    storage.push(...named(storageSteps(each, objects, { index: 0, staging: 0 })));
  }
  return [
    await readsStep(generations),
    // Of all, before anything is dropped: the change capture of each is in one function.
    ...halts,
    await functionStep(generations),
    ...storage,
    await ledgerStep(generations[0], added),
  ];
}

async function readsStep(generations: readonly [Removal, ...Removal[]]): Promise<PlannedStep> {
  const [{ pool, target, reason }] = generations;
  const backfill = backfillOf(target.backfill);
  const from = await readModeOf(pool, backfill);
  const run = await runThatAnswers(pool, generations, from.generation);
  const actions =
    from.mode === 'legacy'
      ? []
      : [
          `read mode ${showReadChoice(from)} → legacy, and ${READ_MODE_SEEN_SECONDS} s for applications to see it`,
        ];
  return step('reads', actions, async () => {
    const to = LEGACY_READS;
    const change = { to, reason, override: null, detail: {}, statements: [], prepare: '' };
    if (run === null) await saveReadMode(pool, backfill, to, { by: await currentUser(pool), reason });
    else await changeReads(pool, run, change);
  });
}

async function runThatAnswers(
  pool: Pool,
  generations: readonly Removal[],
  answers: number | null,
): Promise<Run | null> {
  const names = generations.map(({ target }) => target.backfill);
  const name = names.find((each) => parseGenerationName(each).generation === answers) ?? names[0];
  return name === undefined ? null : latestRun(pool, name);
}

/** One function for all of them, which reads by whichever it was made for last. */
async function functionStep(generations: readonly [Removal, ...Removal[]]): Promise<PlannedStep> {
  const [{ pool, target }] = generations;
  const statements = new Set<string>();
  for (const each of generations)
    for (const sql of await dropSearchFunction(pool, each.target)) statements.add(sql);
  return step('function', [...statements].map(shownSql), () => underLocks(pool, target, [...statements]));
}

async function ledgerStep(
  { pool, target, reason }: Removal,
  added: readonly AddedObjects[],
): Promise<PlannedStep> {
  const backfill = backfillOf(target.backfill);
  const others = await otherBackfills(pool, backfill);
  const action =
    others.length === 0
      ? (await takesSchemaAlong(pool))
        ? 'DROP SCHEMA pgvector_backfill, with all its tables;'
        : 'DROP all tables of schema pgvector_backfill, which stays: this user could not make it again;'
      : `delete the rows of ${backfill} from schema pgvector_backfill, which ${others.join(', ')} goes on to use`;
  const notes = [
    'the extension vector stays, others may use it by now: DROP EXTENSION vector takes it away where nobody does',
    ...(added.some(({ columns }) => columns.length > 0)
      ? ['the space of dropped columns is free once their rows are rewritten (VACUUM FULL, or in time)']
      : []),
  ];
  return step('ledger', [action], () => deleteBackfill(pool, backfill, reason), notes);
}
