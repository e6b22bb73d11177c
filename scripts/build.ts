/** `npm run build`: the compiled program in `dist/`, or in the folder that is named. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';
import { quickPackages } from './quick-packages.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What the program reads beside its code. */
const DATA = ['src/db/migrations', 'src/dashboard/assets', 'src/demo/articles.jsonl'];

/** @returns of what packages it holds parts. @throws Error where the compiler found something; what it found is on stdout. */
export async function build(out: string, options: readonly string[] = []): Promise<Metafile> {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  const args = [compiler, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', out, ...options];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`The compiler ended with ${code}.`);
  for (const path of DATA) await cp(join(ROOT, path), join(out, path), { recursive: true });
  return quickPackages(out, ROOT);
}

/** For processes of the tests: only what has changed since the last time, and types are another command's to check. */
export const buildQuickly = (out: string): Promise<Metafile> =>
  build(out, ['--noCheck', '--incremental', '--tsBuildInfoFile', join(out, '.tsbuildinfo')]);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = resolve(process.argv[2] ?? 'dist');
  const held = await build(out);
  // What the package exports as `pgvector-backfill/search`.
  const face = join(out, 'search');
  const { buildSearchFace } = await import('./search-package/build.ts');
  const { licenceNotices } = await import('./search-package/notices.ts');
  await writeFile(join(face, 'NOTICES.txt'), await licenceNotices(ROOT, await buildSearchFace(face)));
  await writeFile(join(out, 'NOTICES.txt'), await licenceNotices(ROOT, [held]));
}
