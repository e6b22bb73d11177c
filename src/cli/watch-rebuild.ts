/** `finalize --rebuild --watch`: until the index is built again, or is not. */

import { setTimeout as delay } from 'node:timers/promises';
import { parseGenerationName } from '../config/values/generation-name.ts';
import type { Pool } from '../db/pool.ts';
import { lastPass } from '../ledger/passes/watch-pass.ts';
import { watchedProgress } from '../ledger/progress/watched-progress.ts';
import type { JobQueue } from '../queue/connection.ts';
import { rebuildJobId } from '../queue/jobs/payloads.ts';
import { ProgressView } from '../terminal/progress-view.ts';
import { watchStatusLines } from '../terminal/watch-lines.ts';
import type { Invocation } from './command.ts';
import { EXIT } from './exit-codes.ts';

const WATCH_MS = 500;

/** Until the job has ended, as far as anybody looks: the build goes on without. @param run uid */
export async function watchRebuild(
  invocation: Invocation,
  pool: Pool,
  backfill: string,
  { queue, run }: { queue: JobQueue; run: string },
): Promise<number> {
  const line = new ProgressView(invocation.host.stderr);
  try {
    for (;;) {
      const state = await queue.getJobState(rebuildJobId(run));
      const snapshot = await watchedProgress(pool, backfill, invocation.signal);
      if (state === 'completed' || state === 'failed' || state === 'unknown') {
        const pass = await lastPass(pool, backfill);
        invocation.emit({ ...parseGenerationName(backfill), state, watch: pass });
        for (const each of watchStatusLines(pass)) invocation.say(each);
        return state === 'completed' ? EXIT.done : EXIT.failed;
      }
      if (!invocation.json) line.show(snapshot);
      await delay(WATCH_MS, undefined, { signal: invocation.signal });
    }
  } finally {
    line.end();
  }
}
