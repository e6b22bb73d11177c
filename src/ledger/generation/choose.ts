/** Which generation a verb is about. */

import type { Config } from '../../config/load.ts';
import { backfillOf } from '../../config/values/generation-name.ts';
import { ConfigError } from '../../errors.ts';
import type { Queryable } from '../../db/pool.ts';
import { readModeOf, readsVectors, type ReadChoice } from '../reads/read-mode.ts';
import { isReadyRun } from '../run/run.ts';
import { allGenerations, type Generation } from './generation.ts';
import { configOfGeneration } from './settings.ts';

/** The one by whose vectors every read is answered; null where the legacy search has a share. */
export function liveGeneration({ mode, generation, base }: ReadChoice): number | null {
  return readsVectors({ mode }) ? generation : base.generation;
}

/** @throws ConfigError `USAGE` for anything but a number from 1 */
export function wantedGeneration(flag: string | boolean | undefined): number | null {
  if (flag === undefined) return null;
  if (typeof flag === 'string' && /^[1-9]\d{0,5}$/.test(flag)) return Number(flag);
  throw new ConfigError(`--generation must be a whole number from 1 (got ${String(flag)}).`, {
    code: 'USAGE',
    remedy: '`pgvector-backfill status` shows the generations of the backfill.',
  });
}

/** Of verbs that steer a run: the one that has something to do. Of all others, the live one. */
export type Meant = 'open' | 'live';

const isOpen = ({ run }: Generation): boolean => run !== null && !isReadyRun(run);

/**
 * The configuration of the generation that is named; of the live one where none is, and of the newest where reads go by no
 * vectors; `open`: of one whose run is under way, paused or failed, before those. The configuration itself where the ledger has one generation: it may be about to change that one.
 * @throws ConfigError where there is no such generation
 */
export async function configOf(
  db: Queryable,
  config: Config,
  wanted: number | null,
  meant: Meant = 'live',
): Promise<Config> {
  const all = await allGenerations(db, config.backfill);
  const present = all.filter(({ isDropped }) => !isDropped);
  const open = meant === 'open' ? present.findLast(isOpen) : undefined;
  const chosen =
    wanted === null ? (open ?? (await usualOf(db, config, present))) : namedIn(all, config, wanted);
  const isOnly = all.length <= 1 && (chosen?.generation ?? 1) === 1;
  return chosen === undefined || isOnly ? config : configOfGeneration(config, chosen);
}

async function usualOf(
  db: Queryable,
  { backfill }: Config,
  present: readonly Generation[],
): Promise<Generation | undefined> {
  if (present.length <= 1) return present[0];
  return usualGeneration(await readModeOf(db, backfill), present);
}

/** The one that is meant where none is named: the live one, or the newest. */
export function usualGeneration<T extends { generation: number }>(
  reads: ReadChoice,
  present: readonly T[],
): T | undefined {
  const live = liveGeneration(reads);
  return present.find(({ generation }) => generation === live) ?? present.at(-1);
}

function namedIn(all: readonly Generation[], { backfill }: Config, wanted: number): Generation | undefined {
  const named = all.find(({ generation }) => generation === wanted);
  if (named !== undefined && !named.isDropped) return named;
  // Nothing is known of a backfill that is yet to be enqueued: its first generation is to be.
  if (named === undefined && wanted === 1 && all.length === 0) return undefined;
  const present = all.filter(({ isDropped }) => !isDropped).map(({ generation }) => generation);
  throw new ConfigError(
    named === undefined
      ? `Backfill ${backfillOf(backfill)} has no generation ${wanted}.`
      : `Generation ${wanted} of ${backfillOf(backfill)} was dropped.`,
    {
      code: 'GENERATION_UNKNOWN',
      remedy:
        present.length === 0
          ? 'Run `pgvector-backfill enqueue` first.'
          : `Name one that is there with --generation: ${present.join(', ')}.`,
    },
  );
}
