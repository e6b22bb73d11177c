/** The read mode becomes another one: one transaction, told in the event log. */

import { backfillOf, generationName } from '../config/values/generation-name.ts';
import type { Pool } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { GateError } from '../errors.ts';
import {
  baseOf,
  readGenerations,
  readModeOf,
  saveReadMode,
  showReadChoice,
  type ReadChoice,
  type ReadModeState,
} from '../ledger/reads/read-mode.ts';
import { clearReadCounts } from '../ledger/reads/read-stats.ts';
import { liveGeneration } from '../ledger/generation/choose.ts';
import { allGenerations, type Generation } from '../ledger/generation/generation.ts';
import type { RunState } from '../ledger/run/run.ts';
import { moveRun } from '../ledger/run/move-run.ts';
import { currentUser } from './current-user.ts';

export interface ReadChange {
  /** What it was planned for; whatever reads are where absent. */
  from?: ReadChoice;
  to: ReadChoice;
  /** Why, by whoever asked for it; empty where they did not say. */
  reason: string;
  /** Why although the gate did not pass; null where it did, or was not asked. */
  override: string | null;
  /** Further facts for the event. */
  detail: Record<string, unknown>;
  /** Run in the same transaction, the extension's library loaded. */
  statements: readonly string[];
  /** For the library to be loaded; empty where there are no statements. */
  prepare: string;
}

/** What the change is told of: the generation's name in the ledger, and its latest run. */
export type ChangeOf = { backfill: string; id: string | null };

export interface RunMove {
  id: string;
  from: RunState;
  to: RunState;
}

/** The run of the generation that answers alone is cut over, in a trial that of the one that answers besides; no other is. */
export function runMoves(generations: readonly Generation[], to: ReadChoice): RunMove[] {
  const live = liveGeneration(to);
  return generations.flatMap(({ generation, run }): RunMove[] => {
    if (run === null) return [];
    const { id, state: from } = run;
    if (generation === live) return BEFORE_CUT_OVER.includes(from) ? [{ id, from, to: 'cut_over' }] : [];
    return from === 'cut_over' ? [{ id, from, to: 'ready' }] : [];
  });
}

const isSame = (a: ReadChoice, b: ReadChoice): boolean =>
  showReadChoice(a) === showReadChoice(b) && showReadChoice(baseOf(a)) === showReadChoice(baseOf(b));

const movedMeanwhile = (from: ReadChoice): GateError =>
  new GateError(`Reads were moved meanwhile: they are ${showReadChoice(from)} now. Nothing was changed.`, {
    code: 'READS_MOVED',
    remedy: 'Look at what they are with `pgvector-backfill status`, and ask for it again.',
  });

const BEFORE_CUT_OVER: readonly RunState[] = ['ready', 'verifying'];

/** @returns the mode before. */
export async function changeReads(pool: Pool, of: ChangeOf, change: ReadChange): Promise<ReadModeState> {
  const backfill = backfillOf(of.backfill);
  const { to, reason, override, statements } = change;
  return inTransaction(pool, LEDGER_LIMITS, async (client) => {
    const from = await readModeOf(client, backfill, true);
    if (change.from !== undefined && !isSame(change.from, from)) throw movedMeanwhile(from);
    const by = await currentUser(client);
    if (statements.length > 0) await client.query(change.prepare);
    for (const sql of statements) {
      await client.query(sql);
      await recordEvent(client, {
        backfill,
        run: of.id,
        level: 'info',
        kind: 'schema.changed',
        message: sql,
      });
    }
    const same = showReadChoice(from) === showReadChoice(to);
    if (same) return from;
    // Counting begins where reads come to a generation, so that figures are of one attempt.
    if (to.generation !== null && !readGenerations(from).includes(to.generation))
      await clearReadCounts(client, generationName({ backfill, generation: to.generation }));
    await saveReadMode(client, backfill, to, { by, reason: override ?? reason });
    await recordEvent(client, {
      backfill,
      run: of.id,
      level: override === null ? 'info' : 'warn',
      kind: 'reads.changed',
      message: `${showReadChoice(from)} → ${showReadChoice(to)}${reason === '' ? '' : `: ${reason}`}${override === null ? '' : `; although the gate did not pass: ${override}`}`,
      detail: {
        from: showReadChoice(from),
        to: showReadChoice(to),
        generation: to.generation,
        fromGeneration: from.generation,
        by,
        reason,
        override,
        ...change.detail,
      },
    });
    for (const move of runMoves(await allGenerations(client, backfill), to))
      await moveRun(client, move.id, [move.from], move.to, '');
    return from;
  });
}
