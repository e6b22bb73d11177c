/** What speaks against the end of a generation: reads by it, what others have built on it, signs that somebody still asks by it. */

import { generationName, parseGenerationName, showGeneration } from '../../config/values/generation-name.ts';
import type { Pool, Queryable } from '../../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../../db/transaction.ts';
import { GateError } from '../../errors.ts';
import { liveGeneration } from '../../ledger/generation/choose.ts';
import { allGenerations, presentGenerations } from '../../ledger/generation/generation.ts';
import { forgetBase } from '../../ledger/reads/forget-base.ts';
import { leftBehind } from '../../ledger/reads/left-behind.ts';
import {
  msSinceReadMode,
  readModeOf,
  readsVectors,
  showReadChoice,
  type ReadChoice,
} from '../../ledger/reads/read-mode.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { AddedObjects } from '../added-objects.ts';
import { dependantsOf } from './dependants.ts';
import { recentScans } from './recent-scans.ts';

/** The two ways in which a generation ends beside another one: reads have left it for that, or it is given up. */
export type EndingVerb = 'complete' | 'abandon';

export interface Refusal {
  code: string;
  reason: string;
  remedy: string;
  /** Signs alone, for which there may be another explanation: an operator who knows it may go on. */
  isSoft: boolean;
}

const ROLLBACK =
  'Bring reads back with `pgvector-backfill rollback --execute` first, or see `pgvector-backfill status` for what reads go by.';

/** By the reads alone, and which generations there are; null where nothing is against it. Reads only. */
export async function refusedByReads(
  db: Queryable,
  name: string,
  action: EndingVerb,
): Promise<Refusal | null> {
  const reads = await readModeOf(db, name);
  const { generation } = parseGenerationName(name);
  const others = (await presentGenerations(db, name)).filter((each) => each.name !== name);
  const hard = (code: string, reason: string, remedy: string): Refusal => ({
    code,
    reason,
    remedy,
    isSoft: false,
  });
  if (others.length === 0)
    return hard(
      'ONLY_GENERATION',
      `generation ${generation} is the only one: nothing would be left of the backfill`,
      'Run `pgvector-backfill rollback --to-legacy-schema`, which takes everything away.',
    );
  if (isUsedBy(reads, generation))
    return hard('GENERATION_IN_USE', `reads are ${showReadChoice(reads)}, which uses it`, ROLLBACK);
  const isLeft = readsVectors(reads) && reads.base.generation === generation;
  if (action === 'abandon' && isLeft)
    return hard(
      'GENERATION_IN_USE',
      `reads were by it before, and a rollback would lead back to it`,
      `Run \`pgvector-backfill complete --generation ${generation}\`: reads have left it for generation ${reads.generation}.`,
    );
  const live = liveGeneration(reads);
  if (action === 'complete' && live === null)
    return hard(
      'NOT_CUT_OVER',
      `reads are ${showReadChoice(reads)}: no other generation answers every read`,
      `Run \`pgvector-backfill cutover --to vector --execute\` for the generation that is to stay, or \`pgvector-backfill abandon --generation ${generation}\` for one that is given up.`,
    );
  return null;
}

/** Whether it is, or was, one of several, and not the one that every read goes by. */
export async function isBesideAnother(db: Queryable, name: string, generation: number): Promise<boolean> {
  const all = await allGenerations(db, name);
  if (all.length < 2 || !all.some((each) => each.generation === generation)) return false;
  return liveGeneration(await readModeOf(db, name)) !== generation;
}

/** Whether an answer goes by it, or it is tried beside one; where a rollback leads is no use of it yet. */
const isUsedBy = (reads: ReadChoice, generation: number): boolean =>
  reads.generation === generation || (!readsVectors(reads) && reads.base.generation === generation);

/**
 * Beyond the reads: what would break or vanish with its columns, then signs that somebody still asks by it. Where it is given
 * up nobody has answered by it, and such signs are told alone. Reads only.
 */
export async function usedByOthers(
  db: Queryable,
  target: Target,
  added: AddedObjects,
  action: EndingVerb,
): Promise<{ refusal: Refusal | null; notes: string[] }> {
  const { known, named } = await dependantsOf(db, target, added);
  const place = [
    ...(added.columns.length === 0 ? [] : [`its columns ${added.columns.join(', ')}`]),
    ...(added.table === null ? [] : [`its table ${added.table}`]),
  ].join(' and ');
  const refused = (reason: string, remedy: string, isSoft: boolean): Refusal => ({
    code: 'GENERATION_IN_USE',
    reason,
    remedy,
    isSoft,
  });
  if (known.length > 0)
    return {
      refusal: refused(
        `on ${place} stand: ${known.join('; ')}`,
        'Change or drop what stands on them, then do it again.',
        false,
      ),
      notes: [],
    };
  const signs = action === 'complete' ? [...(await signsOfUse(db, target, added)), ...named] : [];
  const remedy =
    'Have every application answer by the generation that is live (`ready()` of its search reports it), and none ask by the column; or, where you know better, go on with --override "the reason".';
  return {
    refusal: signs.length === 0 ? null : refused(signs.join('; '), remedy, true),
    notes: action === 'complete' ? [] : named,
  };
}

async function signsOfUse(db: Queryable, { backfill }: Target, { indexes }: AddedObjects): Promise<string[]> {
  const live = liveGeneration(await readModeOf(db, backfill));
  const liveName = generationName({ ...parseGenerationName(backfill), generation: live ?? 1 });
  const hosts = await leftBehind(db, backfill, liveName);
  const scans = await recentScans(db, indexes, (await msSinceReadMode(db, backfill)) / 1000);
  return [
    ...hosts.map(({ host, fault, hours }) =>
      fault === null
        ? `the application on ${host} was ready for it ${hours.toFixed(1)} h ago, and has not said since that it answers by generation ${live}`
        : `the application on ${host} cannot answer by generation ${live} (${fault})`,
    ),
    ...scans,
  ];
}

/**
 * Under lock, as reads may have been moved since they were looked at: nothing leads to that generation any more. Known again
 * just before anything is dropped.
 * @throws GateError where reads use it
 */
export async function leaveGeneration(pool: Pool, name: string, action: EndingVerb): Promise<boolean> {
  return inTransaction(pool, LEDGER_LIMITS, async (client) => {
    await readModeOf(client, name, true);
    const refusal = await refusedByReads(client, name, action);
    if (refusal !== null) {
      const { code, reason, remedy } = refusal;
      throw new GateError(`${showGeneration(name)} cannot go: ${reason}.`, { code, remedy });
    }
    return forgetBase(client, name, parseGenerationName(name).generation);
  });
}
