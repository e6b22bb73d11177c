import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError, messageOf } from '../src/errors.ts';
import { startHeartbeat } from '../src/observability/heartbeat.ts';
import { QUEUE_ROLES, type QueueRole } from '../src/queue/connection.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { watchedProgress } from '../src/ledger/watched-progress.ts';
import { withDatabase } from '../src/cli/session.ts';
import { startWorkers } from '../workers/process.ts';

const POLL_MS = 500;

export const worker: Command = {
  name: 'worker',
  summary:
    'Embeds batches, merges them, builds the index. Start as many as you like, on as many machines; SIGTERM drains.',
  drains: 'batches in flight end first',
  flags: {
    role: { type: 'string', value: 'embed|finalize|sync', help: 'Only this role; all where absent' },
    'exit-when-done': {
      type: 'boolean',
      help: 'End once the run is ready, failed, or waits for the operator',
    },
  },
  async run(invocation) {
    const config = await invocation.config();
    const roles = parseRoles(invocation.flags['role']);
    const logger = invocation.logger(config.settings.logLevel);
    const { times } = invocation.host;
    // Before the model is opened, which may have to be fetched.
    const heartbeat = await startHeartbeat(config.settings.health.file, logger, times?.beatMs);
    const ended = withDatabase(config, 'worker', logger, async (pool) => {
      const running = await startWorkers(config, pool, logger, roles, {
        openEmbedder: invocation.openEmbedder,
        times,
      });
      heartbeat.watch(running.fault);
      logger.info(
        {
          backfill: config.backfill,
          roles,
          concurrency: config.settings.worker.concurrency,
          pid: process.pid,
          ...(running.metricsUrl === null ? {} : { metrics: `${running.metricsUrl}/metrics` }),
        },
        'worker started',
      );
      let state = 'stopped';
      try {
        for (;;) {
          await delay(POLL_MS, undefined, { signal: invocation.signal });
          if (invocation.flags['exit-when-done'] !== true) continue;
          const snapshot = await watchedProgress(pool, config.backfill, invocation.signal);
          state = snapshot.state;
          const waits =
            snapshot.reason !== '' &&
            snapshot.batches.pending + snapshot.batches.staged === 0 &&
            (state === 'running' || state === 'verifying');
          const over =
            ['ready', 'cut_over', 'completed', 'failed', 'paused', 'none'].includes(state) &&
            (state === 'failed' ||
              state === 'paused' ||
              snapshot.batches.pending + snapshot.batches.staged === 0);
          if (over || (waits && !snapshot.reason.startsWith('the index is built'))) break;
        }
      } catch (error) {
        if (!invocation.signal.aborted) {
          // A worker whose watch has ended must not go on by itself.
          if (await running.drain()) throw error;
          logger.error({ err: messageOf(error) }, 'worker ended, with batches in flight');
          invocation.host.exit(EXIT.failed);
        }
        logger.info({ seconds: config.settings.worker.drainSeconds }, 'draining');
      }
      const drained = await running.drain();
      logger.info({ drained }, 'worker ended');
      invocation.emit({ backfill: config.backfill, state, drained });
      // What did not end within the time is taken up by another worker; a handle of it may still be open here.
      if (!drained) invocation.host.exit(EXIT.failed);
      return state === 'failed' || state === 'paused' ? EXIT.failed : EXIT.done;
    });
    return heartbeat.until(ended);
  },
};

function parseRoles(raw: string | boolean | undefined): readonly QueueRole[] {
  if (raw === undefined) return QUEUE_ROLES;
  const role = QUEUE_ROLES.find((each) => each === raw);
  if (role !== undefined) return [role];
  throw new ConfigError(`--role must be one of ${QUEUE_ROLES.join(', ')} (got ${String(raw)}).`, {
    code: 'USAGE',
  });
}

await runAsProgram(worker, import.meta);
