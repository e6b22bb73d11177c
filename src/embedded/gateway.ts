/** The wire gateway: TCP on the loopback address, every connection on the one shared session. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ConfigError, messageOf } from '../errors.ts';
import { HOST } from './address.ts';
import { serveConnection } from './connection.ts';
import type { PgliteEngine } from './pglite.ts';
import { SharedSession } from './shared-session.ts';
import { readProcessId, readReported } from './startup.ts';

/** An owner that is silent for so long while others wait is most likely waiting for one of them. */
const IDLE_TRANSACTION_LIMIT_MS = 60_000;
export interface Gateway {
  port: number;
  /** Takes no new connections and drops those there are. Resolves when their transactions are rolled back. */
  close(): Promise<void>;
}

/** @param options.port 0 chooses a free one. @throws ConfigError where the port is taken. */
export async function startGateway(
  engine: PgliteEngine,
  options: {
    port: number;
    /** That clients have to give; none where absent. */
    password?: string | undefined;
    idleTransactionLimitMs?: number;
    logger: { info(message: string): void };
  },
): Promise<Gateway> {
  const session = new SharedSession(engine, options.idleTransactionLimitMs ?? IDLE_TRANSACTION_LIMIT_MS);
  const reported = await readReported(engine);
  const serving = new Map<Socket, Promise<void>>();
  const processId = await readProcessId(engine);
  let number = 0;
  const server = createServer((socket) => {
    number += 1;
    const { password, logger } = options;
    const served = serveConnection(socket, { session, reported, processId, number, password, logger });
    serving.set(
      socket,
      served.finally(() => serving.delete(socket)),
    );
  });
  server.listen(options.port, HOST);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw portError(options.port, error);
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of serving.keys()) socket.destroy();
      await Promise.all(serving.values());
      await closed;
    },
  };
}

function portError(port: number, cause: unknown): ConfigError {
  return new ConfigError(`The embedded server cannot listen on ${HOST}:${port}: ${messageOf(cause)}.`, {
    code: 'EMBEDDED_PORT_UNAVAILABLE',
    remedy: 'Choose another port, or 0 to have a free one chosen, or stop what listens there.',
    cause,
  });
}
