/** What is typed, and where reads are → where they go, and what they are moved away from. */

import type { Config } from '../config/load.ts';
import type { Queryable } from '../db/pool.ts';
import { configOf, liveGeneration } from '../ledger/generation/choose.ts';
import { presentGenerations } from '../ledger/generation/generation.ts';
import {
  LEGACY_BASE,
  readGenerations,
  readModeOf,
  readsVectors,
  type ReadBase,
  type ReadChoice,
} from '../ledger/reads/read-mode.ts';
import { isReadyRun } from '../ledger/run/run.ts';

/**
 * Of the same generation, what answers besides or a rollback leads to stays; another one is tried beside the live one. To
 * what answers besides, a trial ends.
 */
export function wantedReads(
  from: ReadChoice,
  wanted: Pick<ReadChoice, 'mode' | 'percent'>,
  generation: number,
): ReadChoice {
  return { ...wanted, generation, base: baseFor(from, generation) };
}

function baseFor({ mode, generation, base }: ReadChoice, wanted: number): ReadBase {
  if (generation === null || generation === wanted) return base;
  if (readsVectors({ mode }))
    return mode === 'hybrid' ? { mode, generation } : { mode: 'vector', generation };
  return base.generation === wanted ? LEGACY_BASE : base;
}

/**
 * The configuration of the generation that reads are to move to: the one that is named; the one that is live or on trial; the
 * newest that is ready, where reads are legacy.
 */
export async function configOfWanted(db: Queryable, config: Config, wanted: number | null): Promise<Config> {
  const present = await presentGenerations(db, config.backfill);
  if (wanted !== null || present.length <= 1) return configOf(db, config, wanted);
  const { generation } = await readModeOf(db, config.backfill);
  const usual =
    generation ?? (present.findLast(({ run }) => isReadyRun(run)) ?? present.at(-1))?.generation ?? null;
  return configOf(db, config, usual);
}

/** A newer generation that is ready and that no read goes by; null where there is none. */
export async function comingGeneration(
  db: Queryable,
  backfill: string,
  to: ReadChoice,
): Promise<number | null> {
  const newest = (await presentGenerations(db, backfill)).findLast(({ run }) => isReadyRun(run));
  if (newest === undefined || readGenerations(to).includes(newest.generation)) return null;
  return newest.generation > (liveGeneration(to) ?? 0) ? newest.generation : null;
}
