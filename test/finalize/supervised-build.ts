/** A build of the index under test, without a run: what it reports can be waited for. */

import type { Pool } from '../../src/db/pool.ts';
import type { BuildEvent } from '../../src/finalize/build/attempt.ts';
import { ensureIndex, type BuildResult } from '../../src/finalize/build/ensure-index.ts';
import type { BuildProgress } from '../../src/finalize/build/progress.ts';
import { wantedIndex } from '../../src/finalize/index-definition.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { makeSettings } from '../table/make-target.ts';
import { DIMENSIONS } from '../verify/vector-table.ts';

/** A lost session is one at which nobody is to be found three times. */
const LOOK_MS = 100;

export interface SupervisedBuild {
  result: Promise<BuildResult>;
  events: BuildEvent[];
  progress: BuildProgress[];
  /** Resolves with the first progress that is so, past ones included. */
  untilProgress(is: (progress: BuildProgress) => boolean): Promise<BuildProgress>;
  /** Resolves once an event of that kind is there. */
  untilEvent(kind: string): Promise<BuildEvent>;
}

/**
 * @param pool of the test's own, whatever `url` leads the build's session through
 * @param rebuild oids of the indexes that are to be built again
 */
export async function startBuild(
  pool: Pool,
  url: string,
  rows: number,
  flags: Record<string, string> = {},
  rebuild?: readonly string[],
): Promise<SupervisedBuild> {
  const settings = await makeSettings({ table: 'things', text: 'title', database: url, ...flags });
  const target = await describeTarget(pool, 'things', settings);
  const progress: BuildProgress[] = [];
  const events: BuildEvent[] = [];
  const waiting = new Set<() => void>();
  const keep = <T>(list: T[], item: T): Promise<void> => {
    list.push(item);
    for (const look of waiting) look();
    return Promise.resolve();
  };
  const result = ensureIndex({
    pool,
    target,
    settings,
    dimensions: DIMENSIONS,
    rows,
    wanted: wantedIndex(target, settings, rows),
    logger: silentLogger,
    rebuild,
    pollMs: LOOK_MS,
    onProgress: (each) => keep(progress, each),
    onEvent: (each) => keep(events, each),
  });
  /** Fails with the build, and where the build ends before that: a test must not wait for what cannot come any more. */
  const until = async <T>(list: T[], is: (item: T) => boolean): Promise<T> => {
    const seen = new Promise<T>((resolve) => {
      const look = (): void => {
        const item = list.find(is);
        if (item === undefined) return;
        waiting.delete(look);
        resolve(item);
      };
      waiting.add(look);
      look();
    });
    const tooLate = result.then(() => {
      throw new Error('the build ended without it');
    });
    tooLate.catch(() => {});
    return Promise.race([seen, tooLate]);
  };
  return {
    result,
    events,
    progress,
    untilProgress: (is) => until(progress, is),
    untilEvent: (kind) => until(events, (event) => event.kind === kind),
  };
}
