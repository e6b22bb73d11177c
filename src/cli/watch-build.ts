/** `finalize --watch`: until the index is built and verified, or somebody has to do something. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../db/pool.ts';
import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { watchedProgress } from '../ledger/progress/watched-progress.ts';
import { ProgressView } from '../terminal/progress-view.ts';
import type { Invocation } from './command.ts';

const WATCH_MS = 500;
/** Looks at a run that stands still before it is said that nobody builds. */
const PATIENCE = 20;

/** The worker's last word: ready, or why not. Ends early where the verb is interrupted: the build goes on. */
export async function watchBuild(
  invocation: Invocation,
  pool: Pool,
  backfill: string,
): Promise<ProgressSnapshot> {
  const line = new ProgressView(invocation.host.stderr);
  // A verdict from before is not the one of this build.
  const look = (): Promise<ProgressSnapshot> => watchedProgress(pool, backfill, invocation.signal);
  const before = await look();
  let moved = false;
  try {
    for (let looks = 1; ; looks++) {
      const snapshot = await look();
      moved ||=
        (snapshot.state === 'finalizing' || snapshot.state === 'verifying') &&
        (snapshot.state !== before.state || snapshot.reason !== before.reason);
      if (!invocation.json) line.show(snapshot);
      const judged =
        snapshot.state === 'ready' ||
        (snapshot.state === 'verifying' && snapshot.reason.startsWith('verify '));
      if (snapshot.state === 'failed' || (judged && (moved || looks > PATIENCE))) {
        invocation.emit(snapshot);
        return snapshot;
      }
      if (!moved && looks === PATIENCE) {
        line.end();
        invocation.warn(
          'No worker has taken it up yet: is one running with the finalize role? Ctrl-C ends the watch.',
        );
      }
      await delay(WATCH_MS, undefined, { signal: invocation.signal });
    }
  } finally {
    line.end();
  }
}
