/** How searches in mode `hybrid` merge their two rankings: kept beside the settings of reads, where `verify` has learnt it. */

import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadStoredReads } from './read-settings.ts';

export interface Fusion {
  /** Weight of the ranking by words; that of vectors is 1. */
  words: number;
  /** How much of each ranking is merged, rows; more where more hits are asked for. */
  depth: number;
}

/** Where nothing was learnt. */
export const EQUAL_FUSION: Fusion = { words: 1, depth: 50 };

const NAMES = { words: 'hybrid.words', depth: 'hybrid.depth' } as const;
const MAX_DEPTH = 1000;

/** What is stored under these names and makes no sense is not set. */
export function knownFusion(stored: Readonly<Record<string, unknown>>): Fusion {
  const [words, depth] = [Number(stored[NAMES.words]), Number(stored[NAMES.depth])];
  return {
    words: Number.isFinite(words) && words > 0 ? words : EQUAL_FUSION.words,
    depth: Number.isInteger(depth) && depth > 0 && depth <= MAX_DEPTH ? depth : EQUAL_FUSION.depth,
  };
}

export const loadFusion = async (db: Queryable, backfill: string): Promise<Fusion> =>
  knownFusion(await loadStoredReads(db, backfill));

/** Effective in applications within the bound of the read mode. */
export async function saveFusion(db: Queryable, backfill: string, { words, depth }: Fusion): Promise<void> {
  await db.query(
    `UPDATE ${LEDGER_SCHEMA}.backfill SET read_settings = read_settings || $2::jsonb WHERE name = $1`,
    [backfill, JSON.stringify({ [NAMES.words]: String(words), [NAMES.depth]: String(depth) })],
  );
}
