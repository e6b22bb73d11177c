/** What a process and all that it starts connect to and write, native code included: by strace, where that is. */

import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface WatchedProcess {
  /** Home, cache and temporary folders that nobody else uses. */
  env: Record<string, string>;
  /** Where there is a tracer. */
  under: string[];
  /** Files in those folders. */
  leftBehind(): Promise<string[]>;
  /** Addresses that something was sent to, `host:port`, and files that were made, other than devices; both empty without a tracer. */
  traced(): Promise<{ connections: string[]; created: string[] }>;
}

const ADDRESS =
  /sa_family=AF_INET6?, sin6?_port=htons\((\d+)\)(?:, sin6_flowinfo=htonl\(\d+\), inet_pton\(AF_INET6, "([^"]+)"|, sin_addr=inet_addr\("([^"]+)"\))/g;

export async function watchProcess(folder: string): Promise<WatchedProcess> {
  const root = join(folder, 'watched');
  const env = { HOME: join(root, 'home'), XDG_CACHE_HOME: join(root, 'cache'), TMPDIR: join(root, 'tmp') };
  for (const each of Object.values(env)) await mkdir(each, { recursive: true });
  const trace = join(folder, 'trace.txt');
  const traces = await promisify(execFile)('strace', ['-f', '--seccomp-bpf', 'true']).then(
    () => true,
    () => false,
  );
  return {
    env,
    under: traces
      ? [
          'strace',
          '-f',
          '--seccomp-bpf',
          '-qq',
          '-e',
          'trace=connect,sendto,sendmsg,sendmmsg,openat,open,creat',
          '-o',
          trace,
        ]
      : [],
    async leftBehind() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries.filter((each) => !each.isDirectory()).map((each) => join(each.parentPath, each.name));
    },
    async traced() {
      if (!traces) return { connections: [], created: [] };
      const lines = (await readFile(trace, 'utf8')).split('\n');
      return {
        connections: lines.flatMap((line) =>
          Array.from(line.matchAll(ADDRESS), ([, port, v6, v4]) => `${v6 ?? v4 ?? '?'}:${port ?? '?'}`),
        ),
        created: lines
          .filter((line) => line.includes('O_CREAT') && !line.includes('= -1'))
          .map((line) => /"([^"]*)"/.exec(line)?.[1] ?? line)
          .filter((path) => path.startsWith('/') && !path.startsWith('/dev/')),
      };
    },
  };
}
