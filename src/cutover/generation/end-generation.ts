/** The end of one generation beside another, which goes on untouched: the steps, what comes back by them, and what is against it. */

import { backfillOf, parseGenerationName } from '../../config/values/generation-name.ts';
import { LEDGER_LIMITS, inTransaction } from '../../db/transaction.ts';
import { presentGenerations } from '../../ledger/generation/generation.ts';
import { dropFromLedger } from '../../ledger/backfill/remove.ts';
import { recordEvent } from '../../ledger/event/event.ts';
import { readModeOf, readsVectors, showReadChoice } from '../../ledger/reads/read-mode.ts';
import { bytes as showBytes } from '../../observability/format.ts';
import type { AddedObjects } from '../added-objects.ts';
import { currentUser } from '../current-user.ts';
import type { PlannedStep } from '../planned-steps.ts';
import { leaveGeneration, usedByOthers, refusedByReads, type EndingVerb, type Refusal } from './in-use.ts';
import { addedIn, haltStep, step, storageSteps, type Freed, type Removal } from './removal-steps.ts';
import { storageBytes, type StorageBytes } from './storage-bytes.ts';

export interface EndingInput extends Removal {
  action: EndingVerb;
  /** Why although signs are against it. */
  override: string | null;
}

export interface Ending {
  refusal: Refusal | null;
  steps: PlannedStep[];
  /** Besides those of the steps. */
  notes: string[];
  bytes: StorageBytes;
  /** Counted as the steps are run. */
  freed: Freed;
}

/** Reads only. */
export async function planEnding(input: EndingInput): Promise<Ending> {
  const { pool, target, action, override, present = true } = input;
  const added = await addedIn(input);
  const reads = await refusedByReads(pool, target.backfill, action);
  const looksOn = reads === null && present;
  const others = looksOn ? await usedByOthers(pool, target, added, action) : { refusal: null, notes: [] };
  const found = reads ?? others.refusal;
  const freed = { index: 0, staging: 0 };
  const bytes = await storageBytes(pool, target, added);
  return {
    refusal: found !== null && found.isSoft && override !== null ? null : found,
    steps: [
      await readsStep(input),
      await haltStep(input, {
        pause: `${action} of this generation`,
        sync: `dropped by ${action}`,
        kind: 'generation.ending',
        message: action === 'complete' ? 'reads have left it for another generation' : 'it is given up',
        detail: { action, override, signs: override === null ? null : (others.refusal?.reason ?? null) },
        check: async () => void (await leaveGeneration(pool, target.backfill, action)),
      }),
      ...storageSteps(input, added, freed),
      ledgerStep(input, freed),
    ].map((each) => withNotes(each, input, added, bytes)),
    notes: others.notes,
    bytes,
    freed,
  };
}

/** What comes back, and by what, is said where it is dropped. */
function withNotes(
  each: PlannedStep,
  { target }: Removal,
  { columns }: AddedObjects,
  { index, staging, table = 0, column }: StorageBytes,
): PlannedStep {
  if (each.name !== 'columns') return each;
  const beside = table === 0 ? '' : `, table of vectors ${showBytes(table)}`;
  const notes = [
    `comes back at once: ${showBytes(index + staging + table)} (index ${showBytes(index)}${beside}, staging table ${showBytes(staging)})`,
    ...(columns.length === 0
      ? []
      : [
          `comes back as rows are rewritten: about ${showBytes(column)} of ${columns.join(', ')}, in time by the application's own writes, or now by pg_repack or VACUUM (FULL) ${target.table}, which locks the table until it is through`,
        ]),
  ];
  return { ...each, notes: [...notes, ...each.notes] };
}

async function readsStep({ pool, target, action, reason }: EndingInput): Promise<PlannedStep> {
  const { backfill } = target;
  const { generation } = parseGenerationName(backfill);
  const from = await readModeOf(pool, backfill);
  const leads = readsVectors(from) && from.base.generation === generation;
  const words = 'a rollback leads to the legacy search from then on';
  return step(
    'reads',
    leads ? [`reads stay ${showReadChoice(from)}; ${words}, not to generation ${generation}`] : [],
    async () => {
      if (!(await leaveGeneration(pool, backfill, action))) return;
      const by = await currentUser(pool);
      await recordEvent(pool, {
        backfill: backfillOf(backfill),
        run: null,
        level: 'info',
        kind: 'reads.base',
        message: `${showReadChoice(from)}: ${words}, as generation ${generation} goes`,
        detail: { by, reason, generation },
      });
    },
  );
}

/** Its row stays: the number is never given to another one. */
function ledgerStep({ pool, target, action, reason, override }: EndingInput, freed: Freed): PlannedStep {
  const { backfill } = target;
  const { generation } = parseGenerationName(backfill);
  const action_ = `delete its runs, batches, captured changes, quarantine, verifications and counts from the ledger; number ${generation} is not used again`;
  return step('ledger', [action_], () =>
    inTransaction(pool, LEDGER_LIMITS, async (client) => {
      const by = await currentUser(client);
      await dropFromLedger(client, backfill);
      // Also in the log of those that stay: that of a generation which is gone nobody looks at.
      const stay = (await presentGenerations(client, backfill)).map(({ name }) => name);
      for (const name of new Set([backfill, ...stay]))
        await recordEvent(client, {
          backfill: name,
          run: null,
          level: override === null ? 'info' : 'warn',
          kind: 'generation.dropped',
          message: `generation ${generation} by ${action}${reason === '' ? '' : `: ${reason}`}${override === null ? '' : `; although there were signs of use: ${override}`}`,
          detail: { by, reason, override, generation, action, freed: { ...freed } },
        });
    }),
  );
}
