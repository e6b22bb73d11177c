import type { Pool } from '../../db/pool.ts';
import { throughRestarts } from '../../db/wait-for-server.ts';
import { everyGeneration, type SeenGeneration } from './generation-progress.ts';
import { progressSnapshot, type ProgressSnapshot } from './snapshot.ts';

/** For verbs that watch a run: looked at again once the server answers, where it was restarted. */
export const watchedProgress = (
  pool: Pool,
  backfill: string,
  ...signals: AbortSignal[]
): Promise<ProgressSnapshot> => throughRestarts(pool, signals, () => progressSnapshot(pool, backfill));

/** The same of every generation that is present at that moment. */
export const watchedGenerations = (
  pool: Pool,
  backfill: string,
  ...signals: AbortSignal[]
): Promise<SeenGeneration[]> => throughRestarts(pool, signals, () => everyGeneration(pool, backfill));
