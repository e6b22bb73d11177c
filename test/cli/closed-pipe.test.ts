import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, inject, it } from 'vitest';

/** `pgvector-backfill VERB --help | …` of a reader that closes before anything was written. */
it('a reader that goes away early ends nothing with a stack trace', async () => {
  const script = fileURLToPath(new URL('scripts/cli.js', inject('compiled')));
  const child = spawn(process.execPath, [script, 'enqueue', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(stderr).toBe('');
  expect(code).toBe(0);
});
