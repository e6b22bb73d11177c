/** `status --watch`: looks at every generation every second until it is interrupted, or nobody reads any more. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/load.ts';
import type { Pool } from '../db/pool.ts';
import { installationId } from '../ledger/backfill/installation.ts';
import { progressOf, type SeenGeneration } from '../ledger/progress/generation-progress.ts';
import { standing } from '../ledger/progress/snapshot.ts';
import { snapshotOf, withQueue } from '../planning/status-report.ts';
import { readQueueSnapshot } from '../queue/probes/queue-snapshot.ts';
import { ProgressView } from '../terminal/progress-view.ts';
import type { Invocation } from './command.ts';
import { watchedGenerations } from '../ledger/progress/watched-progress.ts';

const WATCH_MS = 1000;
/** A look that takes longer is told of. */
const LATE_MS = 1900;

export async function watchStatus(invocation: Invocation, pool: Pool, config: Config): Promise<void> {
  const line = new ProgressView(invocation.host.stdout);
  // Nobody reads any more: `status --watch | head -1`.
  const closed = new AbortController();
  let last: readonly SeenGeneration[] = [];
  const { backfill, settings } = config;
  // Asked once: PostgreSQL may be away at a later look.
  const where = { url: settings.queue, backfill, installation: await installationId(pool) };
  invocation.host.stdout.once('error', () => closed.abort());
  try {
    while (!closed.signal.aborted) {
      const late = setTimeout(() => {
        if (last.length > 0 && !invocation.json)
          line.show(
            ...last.map(({ snapshot }) => ({
              ...standing(snapshot),
              reason: 'PostgreSQL does not answer: waiting for it',
            })),
          );
      }, LATE_MS);
      const [seen, look] = await Promise.all([
        watchedGenerations(pool, backfill, invocation.signal, closed.signal),
        readQueueSnapshot(where),
      ]).finally(() => clearTimeout(late));
      last = seen;
      const { trouble: queue, paused } = look;
      if (invocation.json)
        invocation.emit({
          ...withQueue(snapshotOf(seen, backfill), look),
          generations: seen.map((each) => progressOf(each)),
          queue,
          pausedQueues: paused,
        });
      else
        line.show(
          ...seen.map((each) => {
            const snapshot = withQueue(each.snapshot, look);
            return queue === null ? snapshot : { ...snapshot, reason: queue };
          }),
        );
      await delay(WATCH_MS, undefined, { signal: invocation.signal });
    }
  } catch (error) {
    if (!invocation.signal.aborted && !closed.signal.aborted) throw error;
    line.end();
  }
}
