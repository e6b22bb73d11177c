import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../src/db/pool.ts';
import type { ProgressSnapshot } from '../src/ledger/progress/snapshot.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { findIndex, wantedIndex } from '../src/finalize/index-definition.ts';
import { reopenFailedRun } from '../src/ledger/run/run.ts';
import { addFinalizeJob } from '../src/queue/jobs/producer.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command, Invocation } from '../src/cli/command.ts';
import { ProgressView } from '../src/terminal/progress-view.ts';
import { prepareQueues, withQueues } from '../src/planning/open-queues.ts';
import { requireRun } from '../src/ledger/require-run.ts';
import { watchedProgress } from '../src/ledger/watched-progress.ts';
import { withDatabase } from '../src/cli/session.ts';

export const finalizeCommand: Command = {
  name: 'finalize',
  summary: 'Asks for the index build now, whatever the coverage. A worker with the finalize role does it.',
  flags: {
    watch: { type: 'boolean', help: 'Show the build until the run is ready, or waits for the operator' },
  },
  async run(invocation) {
    const config = await invocation.config();
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'finalize', logger, async (pool) => {
      const run = await requireRun(pool, config.backfill);
      const target = await describeTarget(pool, config.backfill, config.settings);
      const wanted = wantedIndex(target, config.settings, 0);
      const { kind } = await findIndex(pool, target, wanted);
      const address = await prepareQueues(config, pool, logger);
      await reopenFailedRun(pool, run.id);
      const asked = await withQueues(address, (queues) => addFinalizeJob(queues.finalize, run.uid, 'asked'));
      if (invocation.flags['watch'] !== true)
        invocation.emit({
          backfill: config.backfill,
          run: run.id,
          asked,
          index: { name: wanted.name, found: kind },
        });
      invocation.say(
        asked
          ? `Asked for ${wanted.name} (now: ${kind}). A worker builds it; pgvector-backfill status --watch shows how far it is.`
          : 'A finalizer is on its way already.',
      );
      if (invocation.flags['watch'] !== true) return EXIT.done;
      const { state } = await untilBuilt(invocation, pool, config.backfill);
      if (state === 'failed') return EXIT.failed;
      return state === 'verifying' ? EXIT.gate : EXIT.done;
    });
  },
};

const WATCH_MS = 500;
/** Looks at a run that stands still before it is said that nobody builds. */
const PATIENCE = 20;

/** The worker's last word: ready, or why not. Ends early where the verb is interrupted: the build goes on. */
async function untilBuilt(invocation: Invocation, pool: Pool, backfill: string): Promise<ProgressSnapshot> {
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

await runAsProgram(finalizeCommand, import.meta);
