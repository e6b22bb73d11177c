/** Starts the embedded server in a process of its own: an index build there must not block the caller's event loop. */

import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { ConfigError } from '../errors.ts';
import { forkEntry } from '../process/fork-entry.ts';
import { DATABASE, HOST, PASSWORD_VARIABLE } from './address.ts';
import type { FromServer, ServerOptions, ToServer } from './messages.ts';

/** The server gives itself 5 s; a statement under way blocks it, and only SIGKILL ends that. */
const STOP_LIMIT_MS = 7000;

export interface EmbeddedServerOptions {
  /** Where data are kept. Default: in memory, which is faster and gone at the end. */
  dataDir?: string;
  /** In memory: a file that `freshImage` was written to, to begin with. Default: the cluster is made again. */
  image?: string;
  /** Default 0: a free one is chosen. */
  port?: number;
  logger?: { info(message: string): void };
}

export interface EmbeddedServer {
  /** For DATABASE_URL, and for QUEUE_URL on BullMQ's PostgreSQL backend. */
  url: string;
  pid: number;
  /** Rolls back open transactions and ends the server, within 7 s at most. */
  stop(): Promise<void>;
  /** Lets the server live on when this process ends. */
  detach(): void;
}

/**
 * Resolves when the server takes connections, about 3 s in memory. It ends with this process, however that ends,
 * and does not keep it from ending.
 * @throws ConfigError where the port or the data directory cannot be had.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
  const { port = 0, logger, ...data } = options;
  const password = randomBytes(18).toString('base64url');
  const child = spawnServer({ port, ...data }, password);
  child.stderr?.pipe(process.stderr, { end: false });
  const listening = await untilListening(child);
  child.unref();
  child.channel?.unref();
  (child.stderr as Socket | null)?.unref();
  const url = `postgres://postgres:${password}@${HOST}:${listening.port}/${DATABASE}`;
  logger?.info(
    `Embedded server for demo and tests on ${HOST}:${listening.port} (this machine only, by a password of its own, one session; not for production).`,
  );
  return {
    url,
    pid: child.pid ?? 0,
    stop: () => stopServer(child),
    detach: () => {
      if (!child.connected) return;
      const message: ToServer = { type: 'detach' };
      child.send(message, () => {
        child.disconnect();
        child.stderr?.destroy();
      });
    },
  };
}

function spawnServer(options: ServerOptions, password: string): ChildProcess {
  return forkEntry(new URL('./server-process.ts', import.meta.url), {
    args: [JSON.stringify(options)],
    env: { [PASSWORD_VARIABLE]: password },
    // Ctrl-C in the terminal goes to this process alone, which may still need the database to drain.
    detached: true,
    // Its own pipe, passed on below: an inherited one would keep whoever reads our output waiting for a detached server.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

async function untilListening(child: ChildProcess): Promise<{ port: number }> {
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new ConfigError(`The embedded server ended at its start (${signal ?? `exit code ${code}`}).`, {
      code: 'EMBEDDED_START_FAILED',
      remedy:
        'See its output above; a data directory of another version, or too little memory, may be the cause.',
    });
  });
  gone.catch(() => {});
  const [message] = (await Promise.race([once(child, 'message'), gone])) as [FromServer];
  if (message.type === 'listening') return message;
  throw new ConfigError(message.message, {
    code: message.code,
    ...(message.remedy === undefined ? {} : { remedy: message.remedy }),
  });
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.ref();
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exited;
  clearTimeout(limit);
}
