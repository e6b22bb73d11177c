import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { withDatabase } from '../src/cli/session.ts';
import { messageOf } from '../src/errors.ts';
import { startHeartbeat } from '../src/observability/heartbeat.ts';
import { parseRoles } from '../src/worker/roles.ts';
import { untilOver, wholeState, type GenerationState } from '../src/worker/until-over.ts';
import { startWorkers } from '../workers/process.ts';

export const worker: Command = {
  name: 'worker',
  summary:
    'Embeds batches, merges them, builds the index. Start as many as you like, on as many machines; SIGTERM drains.',
  drains: 'batches in flight end first',
  flags: {
    role: { type: 'string', value: 'embed|finalize|sync', help: 'Only this role; all where absent' },
    'exit-when-done': {
      type: 'boolean',
      help: 'End once the run of every generation is ready, failed, or waits for the operator',
    },
  },
  async run(invocation) {
    const config = await invocation.config();
    const { backfill, settings } = config;
    const { openEmbedder, signal } = invocation;
    const exitWhenDone = invocation.flags['exit-when-done'] === true;
    const roles = parseRoles(invocation.flags['role']);
    const logger = invocation.logger(settings.logLevel);
    const { times } = invocation.host;
    // Before the model is opened, which may have to be fetched.
    const heartbeat = await startHeartbeat(settings.health.file, logger, times?.beatMs);
    const ended = withDatabase(config, 'worker', logger, async (pool) => {
      const running = await startWorkers(config, pool, logger, roles, { openEmbedder, times });
      heartbeat.watch(running.fault);
      const metrics = running.metricsUrl === null ? {} : { metrics: `${running.metricsUrl}/metrics` };
      const { concurrency } = settings.worker;
      logger.info({ backfill, roles, concurrency, pid: process.pid, ...metrics }, 'worker started');
      let states: GenerationState[] = [];
      try {
        await untilOver(pool, backfill, { exitWhenDone, signal }, (seen) => {
          states = seen;
        });
      } catch (error) {
        if (!signal.aborted) {
          // A worker whose watch has ended must not go on by itself.
          if (await running.drain()) throw error;
          logger.error({ err: messageOf(error) }, 'worker ended, with batches in flight');
          invocation.host.exit(EXIT.failed);
        }
        logger.info({ seconds: settings.worker.drainSeconds }, 'draining');
      }
      const drained = await running.drain();
      logger.info({ drained }, 'worker ended');
      const state = wholeState(states) ?? 'stopped';
      invocation.emit({ backfill, state, ...(states.length > 1 ? { generations: states } : {}), drained });
      // What did not end within the time is taken up by another worker; a handle of it may still be open here.
      if (!drained) invocation.host.exit(EXIT.failed);
      return state === 'failed' || state === 'paused' ? EXIT.failed : EXIT.done;
    });
    return heartbeat.until(ended);
  },
};

await runAsProgram(worker, import.meta);
