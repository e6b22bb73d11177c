/** A TCP proxy in front of a server: one address that outlives restarts, and network faults on purpose. */

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TestProxy {
  /** The server's URL with the proxy's address in it. */
  url: string;
  /** Resets every connection, and each new one, until `resume`: the server is gone and the network says so. */
  cut(): void;
  /** Connections that came while it was cut. */
  readonly refused: number;
  /** Nothing passes until `resume`, and nobody is told, not even that the other side has gone: a half-open network. */
  hold(): void;
  /** The connections there are get no answer any more, and are not told; new ones pass: what a lost flow of a balancer does. */
  strand(): void;
  /** Lets traffic pass again, what was held first. */
  resume(): void;
  close(): Promise<void>;
}

interface Pair {
  client: Socket;
  /** Null until bytes may pass: a held connection reaches the proxy, not the server. */
  server: Socket | null;
}

const DEFAULT_PORTS: Record<string, number> = { 'postgres:': 5432, 'postgresql:': 5432, 'redis:': 6379 };

/** The target is asked for at each connection, as a container that is started again has another port. */
export async function startProxy(target: () => string): Promise<TestProxy> {
  const pairs = new Set<Pair>();
  let mode: 'pass' | 'hold' | 'cut' = 'pass';
  let refused = 0;

  const end = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server?.resetAndDestroy();
  };
  const ended = (pair: Pair): boolean => pair.client.destroyed || pair.server?.destroyed === true;
  /** A side that closed takes the other one along, but for a hold, where the news must not pass either. */
  const watch = (socket: Socket, pair: Pair): void => {
    // Without a listener, a reset would end the test's process; 'close' follows it.
    socket.on('error', () => {});
    socket.on('close', () => {
      if (mode !== 'hold') end(pair);
    });
  };
  const pass = (pair: Pair): void => {
    if (ended(pair)) return end(pair);
    if (pair.server === null) {
      const { protocol, hostname, port } = new URL(target());
      pair.server = connect({
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port),
        allowHalfOpen: true,
        noDelay: true,
      });
      watch(pair.server, pair);
    }
    pair.client.pipe(pair.server).pipe(pair.client);
  };

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const pair: Pair = { client, server: null };
    pairs.add(pair);
    watch(client, pair);
    if (mode === 'cut') {
      refused++;
      end(pair);
    } else if (mode === 'pass') pass(pair);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const url = new URL(target());
  url.hostname = '127.0.0.1';
  url.port = String((listener.address() as AddressInfo).port);

  return {
    url: url.href,
    get refused() {
      return refused;
    },
    cut() {
      mode = 'cut';
      for (const pair of pairs) end(pair);
    },
    hold() {
      mode = 'hold';
      for (const { client, server } of pairs) {
        client.unpipe();
        server?.unpipe();
      }
    },
    strand() {
      for (const { client, server } of pairs) {
        client.unpipe();
        server?.unpipe();
      }
    },
    resume() {
      if (mode === 'pass') return;
      mode = 'pass';
      for (const pair of pairs) pass(pair);
    },
    async close() {
      mode = 'cut';
      for (const pair of pairs) end(pair);
      listener.close();
      await once(listener, 'close');
    },
  };
}
