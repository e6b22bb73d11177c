/** nginx itself in front of a server under test, by whatever stands in its `http` block. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { until } from './until.ts';

export const hasNginx = (): boolean => inject('nginx') !== null;

export interface Nginx {
  close(): Promise<void>;
}

/** `files`: beside the configuration, for it to name. `ports`: those that it listens on. */
export async function startNginx(
  http: string,
  ports: readonly number[],
  files: Record<string, string> = {},
): Promise<Nginx> {
  const path = inject('nginx');
  if (path === null) throw new Error('guard the suite with hasNginx()');
  const folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-nginx-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${join(folder, each)};`,
  );
  // One process that ends with the test, and nothing of the machine's own nginx.
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
error_log stderr crit;
events {}
http {
access_log off;
${temporary.join('\n')}
${http}
}
`,
  );
  const child = spawn(path, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until('nginx listens', async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    return (await Promise.all(ports.map(isOpen))).every((open) => open);
  });
  return {
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const over = once(child, 'exit');
        child.kill('SIGTERM');
        await over;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Of this machine's, free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
