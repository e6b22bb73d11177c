/**
 * The search package as package managers install it and a file tracer sees it. These tools come over the network: this runs
 * where PACKAGE_TOOLS names a folder that has them (`npm install --prefix FOLDER pnpm@10 yarn@1 @vercel/nft`).
 */

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { buildSearchFace } from '../../scripts/search-package/build.ts';
import { buildSearchPackage } from '../../scripts/search-package/package.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { openModelTable, type ModelTable } from './model-table.ts';
import { PACKAGE, commonJsApp, expectVectors, moduleApp } from './packaged-app.ts';

const run = promisify(execFile);
const TOOLS = process.env['PACKAGE_TOOLS'] ?? '';
const MAX_BYTES = 200e6;
const MAX_IMPORT_MS = 150;
const IMPORTS = 7;

interface Tracer {
  nodeFileTrace: (files: string[], options: object) => Promise<{ fileList: Set<string> }>;
}

/** One plain command in an empty folder; nothing but the archive and pg. */
const INSTALL: Record<string, (archive: string) => string[]> = {
  npm: (archive) => ['install', archive, 'pg'],
  pnpm: (archive) => ['add', archive, 'pg'],
  yarn: (archive) => ['add', archive, 'pg'],
};

describe.runIf(TOOLS !== '').each(databases())('package managers and a tracer, on $name', ({ create }) => {
  let table: ModelTable;
  let folder: string;
  let archive: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'search-package-tools-'));
    archive = await pack(folder, [`${process.platform}-${process.arch}`]);
    table = await openModelTable(await create(), sampleModel());
  });
  afterAll(async () => {
    await table.close();
    await rm(folder, { recursive: true, force: true });
  });

  const trace = async (file: string, base: string): Promise<string[]> => {
    const tracer = pathToFileURL(createRequire(join(resolve(TOOLS), 'x.js')).resolve('@vercel/nft')).href;
    const { nodeFileTrace } = (await import(tracer)) as Tracer;
    return [...(await nodeFileTrace([file], { base })).fileList];
  };

  it.each(Object.keys(INSTALL))('%s installs it by one plain command, quick to import', async (name) => {
    const app = join(folder, name);
    await mkdir(app);
    await writeFile(join(app, 'package.json'), '{ "name": "app", "version": "1.0.0", "private": true }');
    const path = `${resolve(TOOLS, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`;
    await run(name, INSTALL[name]?.(archive) ?? [], {
      cwd: app,
      env: { ...process.env, PATH: path, CI: 'true' },
    });
    await writeFile(join(app, 'app.mjs'), moduleApp());
    await writeFile(join(app, 'app.cjs'), commonJsApp());
    const milliseconds = await importTime(app);
    console.info(`${name}: imported in ${milliseconds.toFixed(0)} ms of processor time`);
    expect(milliseconds).toBeLessThan(MAX_IMPORT_MS);
    await expectVectors(table, join(app, 'app.mjs'));
    if (name !== 'npm') return;
    for (const file of ['app.mjs', 'app.cjs']) {
      const traced = join(folder, `traced-${file}`);
      for (const each of await trace(join(app, file), app))
        await cp(join(app, each), join(traced, each), { recursive: true });
      await expectVectors(table, join(traced, file));
    }
  });

  it('is small with all platforms in it, and pg', async () => {
    const all = join(folder, 'all');
    await buildSearchPackage(all);
    const bytes = (await sizeOf(all)) + (await sizeOf(join(folder, 'npm/node_modules'), PACKAGE));
    console.info(`all platforms: ${(bytes / 1e6).toFixed(0)} MB`);
    expect(bytes).toBeLessThan(MAX_BYTES);
  });

  it('a tracer sees the inference of the whole package too', async () => {
    const app = join(folder, 'whole');
    const own = join(app, 'node_modules/pgvector-backfill');
    await mkdir(own, { recursive: true });
    for (const name of await readdir('node_modules'))
      if (!name.startsWith('.'))
        await symlink(resolve('node_modules', name), join(app, 'node_modules', name));
    await cp('package.json', join(own, 'package.json'));
    await cp(fileURLToPath(inject('compiled')), join(own, 'dist'), { recursive: true });
    await buildSearchFace(join(own, 'dist/search'));
    for (const [name, entry] of [
      ['pgvector-backfill', 'dist/src/embedding/inference/process.js'],
      ['pgvector-backfill/search', 'dist/search/inference.cjs'],
    ] as const) {
      const file = join(app, `${name.replace('/', '-')}.mjs`);
      await writeFile(file, moduleApp(name));
      const files = await trace(file, '/');
      expect(files.some((each) => each.endsWith(entry))).toBe(true);
      expect(files.some((each) => each.endsWith(`${process.arch}/onnxruntime_binding.node`))).toBe(true);
      await expectVectors(table, file);
    }
  });
});

/** What `npm pack` makes, packed less tightly and for this platform alone: all of them take most of the time. @returns the archive */
async function pack(folder: string, platforms: readonly string[]): Promise<string> {
  await buildSearchPackage(join(folder, 'package'), platforms);
  const archive = join(folder, 'package.tgz');
  await run('tar', ['--create', '--use-compress-program', 'gzip -1', '--file', archive, 'package'], {
    cwd: folder,
  });
  return archive;
}

/** Of all files, once each, less those of a package. */
async function sizeOf(path: string, less = ''): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => less === '' || !file.startsWith(join(path, less)));
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The quickest of some: the others have waited for other programs. */
async function importTime(app: string): Promise<number> {
  const script = `const begun = process.cpuUsage(); await import('${PACKAGE}'); const { user, system } = process.cpuUsage(begun); console.log((user + system) / 1000);`;
  const times: number[] = [];
  for (let at = 0; at < IMPORTS; at++) {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: app });
    times.push(Number(stdout));
  }
  return Math.min(...times);
}
