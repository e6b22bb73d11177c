/** Metrics and health of one worker process, on a port of their own: for Prometheus and for an orchestrator's probes. */

import type { AddressInfo } from 'node:net';
import { Hono } from 'hono';
import { optionName } from '../config/option-name.ts';
import { serve, urlHost } from '../dashboard/listen.ts';
import { readinessProblem } from '../dashboard/readiness.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { openQueue } from '../queue/connection.ts';
import type { Settings } from '../config/settings.ts';
import type { ProcessContext } from './open-context.ts';

export interface MetricsServer {
  url: string;
  close(): Promise<void>;
}

/**
 * Port 0 chooses a free one. @param fault what only another start of the process would mend
 * @returns null where no port is set @throws ConfigError where it cannot be listened on
 */
export async function startMetricsServer(
  { pool, address, instruments }: Pick<ProcessContext, 'pool' | 'address' | 'instruments'>,
  settings: Pick<Settings, 'metrics'>,
  fault: () => Promise<string | null>,
): Promise<MetricsServer | null> {
  const { host: hostname, port: metricsPort } = settings.metrics;
  if (metricsPort === undefined) return null;
  instruments.withProcess();
  const { queue, close } = openQueue(address, 'embed');
  const app = new Hono();
  const { registry } = instruments;
  app.get('/metrics', async (context) =>
    context.body(await registry.metrics(), 200, { 'content-type': registry.contentType }),
  );
  app.get('/healthz', async (context) => {
    const trouble = await fault();
    return trouble === null ? context.text('ok') : context.text(trouble, 503);
  });
  app.get('/readyz', async (context) => {
    const trouble = await readinessProblem(pool, queue);
    return trouble === null ? context.text('ready') : context.text(trouble, 503);
  });
  const server = serve({ fetch: app.fetch, hostname, port: metricsPort });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('listening', resolve);
      server.once('error', reject);
    });
  } catch (error) {
    await close();
    throw new ConfigError(`Cannot listen on ${hostname}:${metricsPort}: ${messageOf(error)}.`, {
      code: 'METRICS_ADDRESS',
      remedy: `Set ${optionName('metrics.port')} to a free port, or to 0 for any; each worker of a machine needs its own.`,
      cause: error,
    });
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${urlHost(hostname)}:${port}`,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
      await close();
    },
  };
}
