/** `npm run build:search`: the package `pgvector-backfill-search` in `dist-search/`, or in the folder that is named. */

import { constants } from 'node:fs';
import { copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';
import { buildNative, buildSearchFace } from './build.ts';
import { licenceNotices } from './notices.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUNTIME = join(ROOT, 'node_modules/onnxruntime-node');

/** Those that the runtime comes for. */
export const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'] as const;
/**
 * Of each platform's folder only what inference on the processor takes: the rest is a second copy of the same library, and
 * what drives graphics cards under Windows, which is loaded when it is asked for.
 */
const LIBRARY =
  /^(onnxruntime_binding\.node|libonnxruntime\.so\.1|libonnxruntime\.1\.dylib|onnxruntime\.dll)$/;

export async function buildSearchPackage(
  out: string,
  platforms: readonly string[] = PLATFORMS,
): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const metafiles: Metafile[] = [...(await buildSearchFace(out)), await buildNative(out)];
  await writeFile(join(out, 'NOTICES.txt'), await licenceNotices(ROOT, metafiles));
  await copyFile(join(ROOT, 'LICENSE'), join(out, 'LICENSE'));
  await cp(join(ROOT, 'docs/search-package.md'), join(out, 'README.md'));
  for (const platform of platforms) await copyLibrary(platform, out);
  const { version, engines } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
    engines: Record<string, string>;
  };
  await writeFile(
    join(out, 'package.json'),
    `${JSON.stringify(searchManifest(version, engines), null, 2)}\n`,
  );
}

async function copyLibrary(platform: string, out: string): Promise<void> {
  const from = join(RUNTIME, 'bin/napi-v6', ...platform.split('-'));
  await mkdir(join(out, platform));
  for (const file of (await readdir(from)).filter((name) => LIBRARY.test(name)))
    await copyFile(join(from, file), join(out, platform, file), constants.COPYFILE_FICLONE);
}

/** No dependency: all that it takes is inside, and nothing is fetched or run when it is installed. */
export const searchManifest = (version: string, engines: Record<string, string>): object => ({
  name: 'pgvector-backfill-search',
  version,
  description:
    'The search of pgvector-backfill for applications: createSearch and a local model, and nothing else',
  license: 'MIT',
  exports: {
    '.': { types: './types/search.d.ts', import: './index.mjs', require: './index.cjs' },
    './inference': './inference.cjs',
    './package.json': './package.json',
  },
  main: './index.cjs',
  types: './types/search.d.ts',
  sideEffects: false,
  engines,
  peerDependencies: { pg: '>=8.11' },
  peerDependenciesMeta: { pg: { optional: true } },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = resolve(process.argv[2] ?? 'dist-search');
  await buildSearchPackage(out);
  const { build } = await import('../build.ts');
  const { writeTypes } = await import('./types.ts');
  const declarations = join(ROOT, '.cache/search-types');
  await build(declarations, ['--emitDeclarationOnly']);
  await writeTypes(join(declarations, 'src'), 'search.d.ts', join(out, 'types'));
}
