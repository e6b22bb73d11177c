/** What a run of the tests needs made before it, kept until the sources change: the passes of a run in CI make it once. */

import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildQuickly } from '../../scripts/build.ts';
import { makeSampleModels } from './model.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, '.cache');
/** What both are made of, versions of packages included. */
const FOLDERS = ['src', 'workers', 'scripts'];
const FILES = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'test/setup/model.ts'];

/** Where tests find what they start as processes. */
export const COMPILED = join(CACHE, 'compiled');

/** Compiles the program, and puts the sample models into `models`, where tests may do with them what they like. */
export async function prepare(models: string): Promise<void> {
  const sources = await fingerprint();
  await Promise.all([compiled(sources), sampleModels(sources, models)]);
}

/** Nothing is written where it is there already: another pass may be starting processes from it. */
async function compiled(sources: string): Promise<void> {
  const stamp = join(COMPILED, '.made-of');
  if ((await textOf(stamp)) === sources) return;
  await rm(stamp, { force: true });
  await buildQuickly(COMPILED);
  await writeFile(stamp, sources);
}

async function sampleModels(sources: string, models: string): Promise<void> {
  const kept = join(CACHE, 'sample-models');
  const stamp = join(kept, '.made-of');
  if ((await textOf(stamp)) !== sources) {
    const part = `${kept}.${process.pid}`;
    await mkdir(part, { recursive: true });
    await makeSampleModels(part);
    await writeFile(join(part, '.made-of'), sources);
    await rm(kept, { recursive: true, force: true });
    // Where another run was quicker, its models are the same.
    await rename(part, kept).catch(() => rm(part, { recursive: true, force: true }));
  }
  await cp(kept, models, { recursive: true });
}

const textOf = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null);

async function fingerprint(): Promise<string> {
  const within = await Promise.all(
    FOLDERS.map((folder) => readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })),
  );
  const paths = within
    .flat()
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .concat(FILES.map((file) => join(ROOT, file)))
    .toSorted();
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = await readFile(path);
    hash.update(`${path.slice(ROOT.length)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
