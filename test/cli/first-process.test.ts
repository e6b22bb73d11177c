/** A signal that comes while modules are still being loaded, as it does to the first process of a container. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it } from 'vitest';

/** PID 1 of a namespace of its own, where that may be made: the kernel has no default action for its signals. */
const AS_FIRST = ['unshare', '--pid', '--fork', '--kill-child'];
const [unshare = '', ...unshareFlags] = AS_FIRST;
const under = spawnSync(unshare, [...unshareFlags, 'true']).status === 0 ? AS_FIRST : [];

/** Sends it in the middle of the imports: at the first file behind the entry. */
const hookFor = (signal: string): string => {
  const hooks = `let isSent = false;
    export async function load(url, context, next) {
      if (!isSent && url.endsWith('/cli/run-command.js')) { isSent = true; process.kill(process.pid, '${signal}'); }
      return next(url, context);
    }`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`;
  return `data:text/javascript,${encodeURIComponent(register)}`;
};

describe.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('%s while the program loads', (signal) => {
  it('ends it, and is not lost', async () => {
    const program = fileURLToPath(new URL('scripts/cli.js', inject('compiled')));
    const node = [process.execPath, '--import', hookFor(signal), program, 'completion', 'bash'];
    const [command = '', ...args] = [...under, ...node];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code, ended] = (await once(child, 'close')) as [number | null, string | null];
    expect({ code, ended, said }).toEqual({
      code: 130,
      ended: null,
      said: 'Interrupted before anything was begun.\n',
    });
  });
});
