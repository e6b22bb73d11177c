/** What a worker says of its own loop, on either queue server: an outage is not its fault. */

import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { silentLogger } from '../../../src/observability/logger.ts';
import { openQueue, openWorker, prepareQueue } from '../../../src/queue/connection.ts';
import { hasPostgres, hasRedis, realDatabase } from '../../setup/databases.ts';
import { startProxy } from '../../setup/proxy.ts';
import { until } from '../../setup/until.ts';

const SERVERS = [
  { name: 'Redis', present: hasRedis(), url: async () => inject('redisUrl') ?? '' },
  { name: 'PostgreSQL', present: hasPostgres(), url: async () => (await realDatabase()).databaseUrl },
];

describe.each(SERVERS)('a worker on $name', ({ present, url }) => {
  it.runIf(present)(
    'has a fault where its server answers and it does not look, in no outage and beside no job',
    async () => {
      const server = await url();
      await prepareQueue(server);
      const proxy = await startProxy(() => server);
      // Every wait for a job is longer than that.
      const times = { stuckMs: 1 };
      const address = {
        url: proxy.url,
        backfill: 'docs',
        installation: randomUUID(),
        logger: silentLogger,
        times,
      };
      let end = (): void => {};
      let isAtWork = false;
      const { worker, fault, close } = openWorker(address, 'embed', 1, () => {
        isAtWork = true;
        return new Promise<void>((resolve) => (end = resolve));
      });
      await worker.waitUntilReady();
      const isStuck = async (): Promise<boolean> =>
        (await fault())?.startsWith('nobody has looked at queue docs-embed for ') ?? false;
      await until('it waits, and its server answers', isStuck);
      proxy.cut();
      expect(await fault()).toBeNull();
      proxy.resume();
      await until('its server answers again', isStuck);
      const { queue, close: closeQueue } = openQueue(address, 'embed');
      await queue.add('embed', {} as never);
      await until('it has a job', () => isAtWork);
      expect(await fault()).toBeNull();
      end();
      await close();
      expect(await fault()).toBeNull();
      await closeQueue();
      await proxy.close();
    },
  );
});
