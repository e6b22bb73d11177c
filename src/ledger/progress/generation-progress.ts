/** Every generation of a backfill, each with its own rows, rate, lag, index, verdict and part in the reads. */

import type { UsedValue } from '../../config/usage-paths.ts';
import { generationName } from '../../config/values/generation-name.ts';
import type { Queryable } from '../../db/pool.ts';
import type { StoreKind } from '../../table/store.ts';
import { usualGeneration } from '../generation/choose.ts';
import { presentGenerations, type Generation } from '../generation/generation.ts';
import { answersInPart, isTrialMode, type ReadChoice } from '../reads/read-mode.ts';
import { lastVerification, type LastVerification } from '../verification/verification.ts';
import { progressSnapshot, type ProgressSnapshot } from './snapshot.ts';

export interface GenerationProgress extends Pick<
  ProgressSnapshot,
  | 'generation'
  | 'run'
  | 'state'
  | 'reason'
  | 'stall'
  | 'rows'
  | 'coverage'
  | 'rowsPerSecond'
  | 'etaSeconds'
  | 'index'
  | 'shadow'
  | 'canary'
  | 'interleaving'
> {
  model: string | null;
  dimensions: number | null;
  /** How the model is used, each value with who said it, as of the last `enqueue`. */
  usage: UsedValue[];
  /** Null before its first `enqueue`. */
  store: StoreKind | null;
  /** Of the table; null before its first `enqueue`, and where vectors are beside the table. */
  column: string | null;
  sync: {
    /** Captured changes that are not in line yet. */
    pending: number;
    /** Age of the oldest of them; 0 where there is none. */
    lagSeconds: number;
  };
  /** Its part in the reads: `live`, `canary:10`, `shadow`, `previous` (where a rollback leads), or null. */
  reads: string | null;
  /** The last one of this run; null before it. */
  verification: { at: string; passed: boolean; failed: string[] } | null;
}

export interface SeenGeneration {
  /** Null where nothing was enqueued yet. */
  known: Generation | null;
  snapshot: ProgressSnapshot;
  verification: LastVerification | null;
}

/** Present ones by their numbers; of a backfill that is not in the ledger, the one that is named. @param name of any of them */
export async function everyGeneration(db: Queryable, name: string): Promise<SeenGeneration[]> {
  const present = await presentGenerations(db, name);
  const seen: SeenGeneration[] = [];
  for (const known of present.length === 0 ? [null] : present) {
    const own = known?.name ?? name;
    const snapshot = await progressSnapshot(db, own);
    seen.push({ known, snapshot, verification: await lastVerification(db, own) });
  }
  return seen;
}

/** The one that verbs mean without a flag. */
export function usualOf<T extends Pick<SeenGeneration, 'snapshot'>>(seen: readonly T[]): T {
  const [first] = seen;
  if (first === undefined) throw new Error('a backfill without a generation');
  const numbers = seen.map((each) => ({ each, generation: each.snapshot.generation }));
  return usualGeneration(first.snapshot.readMode, numbers)?.each ?? first;
}

/** Its name in the ledger. */
export const ledgerName = ({ backfill, generation }: ProgressSnapshot): string =>
  generationName({ backfill, generation });

export function progressOf({ known, snapshot, verification }: SeenGeneration): GenerationProgress {
  const { generation, run, model, state, reason, rows, coverage, rowsPerSecond, etaSeconds, index, sync } =
    snapshot;
  const column = known?.stored['column'];
  const store = known === null ? null : known.stored['store'] === 'table' ? 'table' : 'column';
  return {
    generation,
    run,
    model: model?.name ?? null,
    dimensions: model?.dimensions ?? null,
    usage: known?.usage ?? [],
    store,
    column: typeof column === 'string' && store !== 'table' ? column : null,
    state,
    reason,
    stall: snapshot.stall,
    rows,
    coverage,
    rowsPerSecond,
    etaSeconds,
    sync: { pending: sync.pending, lagSeconds: sync.oldestSeconds ?? 0 },
    index,
    reads: readsOf(snapshot.readMode, generation),
    shadow: snapshot.shadow,
    canary: snapshot.canary,
    interleaving: snapshot.interleaving,
    verification:
      verification === null || verification.run !== run
        ? null
        : {
            at: verification.at.toISOString(),
            passed: verification.passed,
            failed: verification.failed,
          },
  };
}

/** What a generation is to the reads. */
export function readsOf({ mode, percent, generation, base }: ReadChoice, of: number): string | null {
  if (generation === of)
    return answersInPart(mode) ? `${mode}:${percent}` : mode === 'shadow' ? 'shadow' : 'live';
  if (base.generation !== of) return null;
  return isTrialMode(mode) ? 'live' : 'previous';
}
