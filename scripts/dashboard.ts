import { once } from 'node:events';
import { assertProtected } from '../src/dashboard/protection.ts';
import { startDashboard } from '../src/dashboard/server.ts';
import { startHeartbeat } from '../src/observability/heartbeat.ts';
import { EXIT, runAsProgram, type Command } from './lib/command.ts';
import { prepareQueues, withQueues } from './lib/queues.ts';
import { withDatabase } from './lib/session.ts';

export const dashboard: Command = {
  name: 'dashboard',
  drains: 'the server closes its connections',
  summary: 'Progress page at /, Bull Board at /queues. Listens on loopback unless credentials are set.',
  flags: {},
  async run(invocation) {
    const config = await invocation.config(['text']);
    // Before anything is opened: a page that must not be reachable is not started at all.
    assertProtected(config.settings);
    const logger = invocation.logger(config.settings.logLevel);
    const heartbeat = await startHeartbeat(config.settings.healthFile, logger);
    const ended = withDatabase(config, 'dashboard', logger, async (pool) => {
      const address = await prepareQueues(config, pool, logger);
      return withQueues(address, async (queues) => {
        const { backfill, settings } = config;
        const running = await startDashboard({
          pool,
          backfill,
          settings,
          queues,
          logger,
        });
        invocation.emit({ url: running.url });
        invocation.say(`Dashboard: ${running.url}  (Bull Board: ${running.url}/queues). Ctrl-C ends it.`);
        if (!invocation.signal.aborted) await once(invocation.signal, 'abort');
        await running.close();
        return EXIT.done;
      });
    });
    return heartbeat.until(ended);
  },
};

await runAsProgram(dashboard, import.meta);
