/** The search face in somebody else's application: alone, bundled, and behind a bundle that has left its packages behind. */

import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build, type Format } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSearchPackage } from '../../scripts/search-package/package.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { makeStaticModel } from '../setup/static-model.ts';
import { openModelTable, type ModelTable } from './model-table.ts';
import { PACKAGE, commonJsApp, expectVectors, moduleApp } from './packaged-app.ts';

const PLATFORM = `${process.platform}-${process.arch}`;

describe.each(databases())('the search package on $name', ({ create }) => {
  let table: ModelTable;
  let folder: string;
  let modules: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'search-package-'));
    modules = join(folder, 'app/node_modules');
    await mkdir(modules, { recursive: true });
    await buildSearchPackage(join(modules, PACKAGE), [PLATFORM]);
    await symlink(resolve('node_modules/pg'), join(modules, 'pg'));
    await writeFile(join(folder, 'app/app.mjs'), moduleApp());
    await writeFile(join(folder, 'app/app.cjs'), commonJsApp());
    table = await openModelTable(await create(), sampleModel());
  });
  afterAll(async () => {
    await table.close();
    await rm(folder, { recursive: true, force: true });
  });

  const answers = (file: string): Promise<void> => expectVectors(table, join(folder, file));

  it.concurrent.each(['app/app.mjs', 'app/app.cjs'])(
    'answers by the very vectors of the program: %s',
    answers,
  );

  it.concurrent.each<[Format, string, string]>([
    ['esm', 'app.mjs', 'bundle.mjs'],
    ['cjs', 'app.mjs', 'bundle.cjs'],
    ['cjs', 'app.cjs', 'bundle-of-commonjs.cjs'],
  ])('bundled as %s of %s', async (format, entry, file) => {
    const { warnings } = await build({
      entryPoints: [join(folder, 'app', entry)],
      outfile: join(folder, 'app', file),
      bundle: true,
      platform: 'node',
      format,
      external: ['pg'],
      logLevel: 'silent',
    });
    expect(warnings.filter(({ id }) => id !== 'empty-import-meta')).toEqual([]);
    await answers(`app/${file}`);
  });

  it('of a static model, and of fewer dimensions than it has', async () => {
    const model = await makeStaticModel(join(folder, 'models'), 16);
    const static8 = { ...model, dimensions: 8 };
    const other = await openModelTable(await create(), static8, { 'model-dimensions': '8' });
    try {
      expect(other.embedder.dimensions).toBe(8);
      await expectVectors(other, join(folder, 'app/app.mjs'));
    } finally {
      await other.close();
    }
  });

  it('a bundle without its package finds the inference beside it, or says what to deploy', async () => {
    const alone = join(folder, 'alone');
    await mkdir(join(alone, 'node_modules'), { recursive: true });
    await symlink(resolve('node_modules/pg'), join(alone, 'node_modules/pg'));
    await cp(join(folder, 'app/bundle.mjs'), join(alone, 'bundle.mjs'));
    await expect(answers('alone/bundle.mjs')).rejects.toThrow(/INFERENCE_FILES_MISSING/);
    for (const file of ['inference.cjs', 'native.cjs', PLATFORM])
      await cp(join(modules, PACKAGE, file), join(alone, file), { recursive: true });
    await answers('alone/bundle.mjs');
  });

  it('brings no package along, and runs nothing when it is installed', async () => {
    const { default: manifest } = (await import(join(modules, PACKAGE, 'package.json'), {
      with: { type: 'json' },
    })) as { default: Record<string, unknown> };
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).not.toHaveProperty('scripts');
    expect(manifest).toMatchObject({ license: 'MIT' });
    const texts = (await readdir(join(modules, PACKAGE))).filter((name) => /^LICENSE$|\.txt$/.test(name));
    expect(texts).toEqual(['LICENSE', 'NOTICES.txt']);
  });
});
