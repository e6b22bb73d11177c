/** How far a build is: in the ledger, for `status`, and as the job's own progress. */

import type { Pool } from '../db/pool.ts';
import { saveIndexProgress } from '../ledger/run/index-progress.ts';
import type { Run } from '../ledger/run/run.ts';
import { describeProgress, type BuildProgress } from './build/progress.ts';
import { TimeLeft } from './forecast/time-left.ts';
import type { IndexDefinition } from './index-definition.ts';

export interface BuildListener {
  pool: Pool;
  run: Pick<Run, 'id'>;
  /** Phase and share, for the job's own progress. */
  onProgress: (progress: { phase: string; share: number | null }) => Promise<void>;
}

/** Of one build, to be called at each look at it. */
export function buildReporter(
  { pool, run, onProgress }: BuildListener,
  { name, method }: Pick<IndexDefinition, 'name' | 'method'>,
): (progress: BuildProgress) => Promise<void> {
  const left = new TimeLeft();
  return async (progress) => {
    await saveIndexProgress(pool, run.id, {
      name,
      method,
      phase: describeProgress(progress),
      progress: progress.share,
      seconds: null,
      secondsLeft: left.observe(progress.phase, progress.share),
      blockers: progress.blockers,
    });
    await onProgress({ phase: progress.phase, share: progress.share });
  };
}
