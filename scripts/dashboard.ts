import { once } from 'node:events';
import { assertProtected } from '../src/dashboard/access/protection.ts';
import { startDashboard } from '../src/dashboard/server.ts';
import { startHeartbeat } from '../src/observability/heartbeat.ts';
import { createPool } from '../src/db/pool.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { openQueues } from '../src/queue/connection.ts';
import { prepareQueues, withQueues } from '../src/planning/open-queues.ts';
import { withDatabase } from '../src/cli/session.ts';

/** Side by side: one of the page, those of a scrape, a probe. */
const LOOKS = 4;
/** A look takes milliseconds: what has not answered for so long is a connection that the network has lost. */
const MAX_SILENCE_MS = 15_000;

export const dashboard: Command = {
  name: 'dashboard',
  drains: 'the server closes its connections',
  summary:
    'Progress page at /, Bull Board at /queues. On loopback; without credentials its address has a token of each start.',
  flags: {},
  async run(invocation) {
    const config = await invocation.config(['text']);
    // Before anything is opened: a page that must not be reachable is not started at all.
    assertProtected(config.settings);
    const logger = invocation.logger(config.settings.logLevel);
    const heartbeat = await startHeartbeat(config.settings.health.file, logger);
    const ended = withDatabase(config, 'dashboard', logger, async (pool) => {
      const address = await prepareQueues(config, pool, logger);
      return withQueues(address, async (queues) => {
        const { backfill, settings } = config;
        const looks = createPool(settings.database.url, {
          name: 'dashboard looks',
          max: LOOKS,
          logger,
          queryTimeoutMs: MAX_SILENCE_MS,
          table: settings.table,
          pinned: true,
        });
        const running = await startDashboard({
          pool,
          looks,
          backfill,
          settings,
          queues,
          openQueues: (name) => openQueues({ ...address, server: address, backfill: name }),
          logger,
        });
        const { url, token } = running;
        invocation.emit({ url, ...(token === null ? {} : { token }) });
        invocation.say(
          token === null
            ? `Dashboard: ${url}  (Bull Board: ${url}/queues). Ctrl-C ends it.`
            : `Dashboard: ${url}/?token=${token}\nThe token is this start's alone: whoever has the address may look and act. Ctrl-C ends it.`,
        );
        if (!invocation.signal.aborted) await once(invocation.signal, 'abort');
        await running.close();
        await looks.end();
        return EXIT.done;
      });
    });
    return heartbeat.until(ended);
  },
};

await runAsProgram(dashboard, import.meta);
