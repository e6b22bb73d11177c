/** PgBouncer itself in front of the server under test, in the mode that a test is about. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { until } from './until.ts';

export const hasPgBouncer = (): boolean => inject('pgbouncer') !== null && inject('postgresUrl') !== null;

export interface PgBouncer {
  /** The server's URL with the pooler's address in it. */
  url: string;
  close(): Promise<void>;
}

export async function startPgBouncer(
  serverUrl: string,
  mode: 'session' | 'transaction',
  size = 6,
  /** Further lines of its configuration. */
  settings = '',
): Promise<PgBouncer> {
  const path = inject('pgbouncer');
  if (path === null) throw new Error('guard the suite with hasPgBouncer()');
  const folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-pgbouncer-'));
  const { hostname, port, username, password } = new URL(serverUrl);
  const own = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(
    file,
    `[databases]
* = host=${hostname} port=${port === '' ? 5432 : port} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${size}
${settings}
`,
  );
  // It refuses to run as root, and reads its file before it is somebody else.
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(path, ['-q', ...asUser, file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(own);
  await until('PgBouncer answers', async () => {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}`);
    const client = new pg.Client({ connectionString: url.href });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false;
    }
  });
  return {
    url: url.href,
    close: async () => {
      await ended(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const over = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  return over;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
