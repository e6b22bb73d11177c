/** Reads are moved over for good: what only the way there needed is taken away. */

import type { Pool } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { countEarlierBatches, removeEarlierBatches } from '../ledger/batch/earlier-batches.ts';
import { countChanges, removeAllChanges } from '../ledger/changes/captured-changes.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { presentGenerations } from '../ledger/generation/generation.ts';
import { readModeOf, readsVectors, showReadChoice } from '../ledger/reads/read-mode.ts';
import type { Run } from '../ledger/run/run.ts';
import { moveRun } from '../ledger/run/move-run.ts';
import type { Settings } from '../config/settings.ts';
import type { Target } from '../table/backfill-target.ts';
import { currentUser } from './current-user.ts';
import { addedObjects, dropStageSql } from './added-objects.ts';
import { planDropSync } from './drop-sync.ts';
import { waitUntilIdle, type Queues } from './wait-until-idle.ts';
import { underLocks } from './short-locks.ts';
import type { PlannedStep } from './planned-steps.ts';

export interface CompletionInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  queues: Queues;
  run: Run;
  /** Rows go on to be brought in line: the staging table is the record of which text each vector is of. */
  keepSync: boolean;
  reason: string;
}

/** Why it is too early; null where it is not. */
export async function tooEarly(pool: Pool, run: Run): Promise<string | null> {
  const reads = await readModeOf(pool, run.backfill);
  if (!readsVectors(reads))
    return `reads are ${showReadChoice(reads)}: the legacy search, or a share of it, is still in use`;
  return run.state === 'cut_over' || run.state === 'completed'
    ? null
    : `run ${run.id} is ${run.state}, not cut_over`;
}

/** Why, and what to do, where another generation is still there: the migration ends with one. */
export async function endOfOthers(
  pool: Pool,
  name: string,
): Promise<{ reason: string; error: { code: string; remedy: string } } | null> {
  const others = (await presentGenerations(pool, name)).filter((each) => each.name !== name);
  if (others.length === 0) return null;
  const remedies = others.map(
    ({ generation }) =>
      `Run \`pgvector-backfill complete --generation ${generation} --execute\` first, or \`pgvector-backfill abandon --generation ${generation} --execute\` where reads never went by it.`,
  );
  return {
    reason: `generation ${others.map(({ generation }) => generation).join(', ')} is still there`,
    error: { code: 'GENERATION_OPEN', remedy: remedies.join(' ') },
  };
}

/** All that is taken away. @param onlySync change capture alone, and nothing else ends */
export async function completionSteps(input: CompletionInput, onlySync: boolean): Promise<PlannedStep[]> {
  const { pool, target, queues, keepSync } = input;
  const patienceMs = input.settings.worker.drainSeconds * 1000;
  const sync = keepSync ? [] : [await planDropSync(pool, target, queues.sync, patienceMs)];
  return onlySync ? sync : [...sync, ...(await planCompletion(input))];
}

/** The steps behind the end of change capture; none where all of it is done. Reads only. */
export async function planCompletion(input: CompletionInput): Promise<PlannedStep[]> {
  const staging = await stagingStep(input);
  const ledger = await ledgerStep(input);
  const left = staging.actions.length + ledger.actions.length;
  if (input.run.state === 'completed' && left === 0) return [];
  return [waitStep(input), staging, queueStep(input), ledger, runStep(input)];
}

function waitStep({ pool, target, settings, queues }: CompletionInput): PlannedStep {
  return {
    name: 'wait',
    actions: [
      `wait up to ${settings.worker.drainSeconds} s until no job, no drain and no index build is under way`,
    ],
    notes: [],
    run: () => waitUntilIdle(pool, target, queues, settings.worker.drainSeconds * 1000, true, false),
  };
}

async function stagingStep({ pool, target, keepSync }: CompletionInput): Promise<PlannedStep> {
  const stage = !keepSync && (await addedObjects(pool, target)).stage;
  const sql = dropStageSql(target);
  return {
    name: 'staging',
    actions: stage ? [`${sql};`] : [],
    notes: stage
      ? [
          'Without the staging table nobody knows which text a vector is of: `verify` ends, and a later `enqueue` embeds every row again.',
        ]
      : [],
    run: () => underLocks(pool, target, [sql]),
  };
}

/** Finished jobs; those of sync go with the scheduler. */
function queueStep({ queues, keepSync }: CompletionInput): PlannedStep {
  const emptied = keepSync ? [queues.embed, queues.finalize] : Object.values(queues);
  return {
    name: 'queue',
    actions: [`empty the queues ${emptied.map(({ name }) => name).join(', ')}`],
    notes: [],
    run: async () => {
      for (const queue of emptied) await queue.obliterate({ force: true });
    },
  };
}

async function ledgerStep({ pool, run, keepSync }: CompletionInput): Promise<PlannedStep> {
  const { backfill } = run;
  const batches = await countEarlierBatches(pool, run);
  const changes = keepSync ? 0 : await countChanges(pool, backfill);
  return {
    name: 'ledger',
    actions: [
      ...(batches > 0 ? [`DELETE the ${batches} batches of earlier runs from the ledger`] : []),
      ...(changes > 0 ? [`DELETE the ${changes} captured changes that nobody will bring in line`] : []),
    ],
    notes: [],
    run: () =>
      inTransaction(pool, LEDGER_LIMITS, async (client) => {
        await removeEarlierBatches(client, run);
        if (changes > 0) await removeAllChanges(client, backfill);
      }),
  };
}

function runStep({ pool, run, keepSync, reason }: CompletionInput): PlannedStep {
  const { backfill } = run;
  return {
    name: 'run',
    actions:
      run.state === 'completed'
        ? []
        : [`run ${run.id}: ${run.state} → completed; index, columns, read mode and search function stay`],
    notes: [],
    run: () =>
      inTransaction(pool, LEDGER_LIMITS, async (client) => {
        if (!(await moveRun(client, run.id, ['cut_over'], 'completed', reason))) return;
        await recordEvent(client, {
          backfill,
          run: run.id,
          level: 'info',
          kind: 'run.completed',
          message: `reads are moved over for good${reason === '' ? '' : `: ${reason}`}`,
          detail: { by: await currentUser(client), reason, keepSync },
        });
      }),
  };
}
