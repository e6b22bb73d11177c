/** The package as another project has it: built, imported by its name, without tsx and without our sources. */

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { searchManifest } from '../scripts/search-package/package.ts';
import { writeTypes } from '../scripts/search-package/types.ts';

const run = promisify(execFile);
const TSC = resolve('node_modules/.bin/tsc');
const NAME = 'pgvector-backfill';
/** Of a clone alone: an installed program has none of them. */
const LOADERS = ['tsx', 'esbuild', '@esbuild'];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consumer-'));
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, NAME), { recursive: true });
  for (const name of await readdir('node_modules'))
    if (!name.startsWith('.') && !LOADERS.includes(name))
      await symlink(resolve('node_modules', name), join(modules, name));
  await cp('package.json', join(modules, NAME, 'package.json'));
  // As the build writes it, types included; the setup has compiled it for all.
  await cp(fileURLToPath(inject('compiled')), join(modules, NAME, 'dist'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

it('is imported by plain JavaScript', async () => {
  await writeFile(
    join(folder, 'app.js'),
    `import pg from 'pg';
     import { createSearch, defineConfig, ConfigError } from '${NAME}';
     const pool = new pg.Pool({ connectionString: 'postgres://u@127.0.0.1:1/d' });
     const search = createSearch({ pool, backfill: 'articles' });
     const code = await search.search('x', { k: 0 }).catch((error) => error instanceof ConfigError && error.code);
     await search.close();
     await pool.end();
     console.log(JSON.stringify([typeof defineConfig({ backfills: {} }), code]));`,
  );
  const { stdout } = await run(process.execPath, ['app.js'], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual(['object', 'SEARCH_K']);
});

it('reads a configuration in TypeScript, with all that the language and its modules have, and keeps no copy of it', async () => {
  const project = join(folder, 'typescript');
  await mkdir(project);
  await writeFile(
    join(project, 'parts.ts'),
    `export enum Table { docs = 'docs' }
     export const secret: string = await Promise.resolve('hidden-word');`,
  );
  await writeFile(
    join(project, 'backfill.config.ts'),
    `import { readFileSync } from 'node:fs';
     import { defineConfig } from '${NAME}';
     import { Table, secret } from './parts.ts';
     const { type } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { type: string };
     export default defineConfig({
       database: \`postgres://u:\${secret}@127.0.0.1:1/\${type}\`,
       backfills: { docs: { table: Table.docs, text: ['a'] } },
     });`,
  );
  const cli = join('node_modules', NAME, 'dist/scripts/cli.js');
  const { PATH } = process.env;
  const status = run(process.execPath, [join(folder, cli), 'status', '--json', '--log-level', 'silent'], {
    cwd: project,
    env: { PATH, HOME: project, TMPDIR: project },
  });
  const { code, stdout } = (await status.catch((error: { code: number; stdout: string }) => error)) as never;
  expect([code, JSON.parse(stdout)]).toEqual([
    2,
    {
      error: expect.objectContaining({
        message: expect.stringContaining('127.0.0.1:1/module') as string,
      }) as object,
    },
  ]);
  expect((await readdir(project)).toSorted()).toEqual(['backfill.config.ts', 'parts.ts']);
});

it('the search package has types that hold without the packages that are inside of it', async () => {
  const own = join(folder, 'alone/node_modules');
  const face = join(own, 'pgvector-backfill-search');
  await mkdir(join(own, '@types'), { recursive: true });
  for (const name of ['node', 'pg'])
    await symlink(resolve('node_modules/@types', name), join(own, '@types', name));
  for (const name of ['pg-types', 'pg-protocol', 'undici-types'])
    await symlink(resolve('node_modules', name), join(own, name));
  await writeTypes(join(fileURLToPath(inject('compiled')), 'src'), 'search.d.ts', join(face, 'types'));
  await writeFile(join(face, 'package.json'), JSON.stringify(searchManifest('0.0.0', {})));
  const app = `import pg from 'pg';
     import { createSearch, type Readiness, type SearchResult } from 'pgvector-backfill-search';
     const articles = createSearch({ pool: new pg.Pool(), backfill: 'articles', options: { model: { localPath: 'm' } } });
     export const asked = async (): Promise<[Readiness, number[], SearchResult]> =>
       [await articles.ready(), await articles.embed('flat tyre'), await articles.search('flat tyre')];
     // @ts-expect-error there is no such option
     createSearch({ pool: new pg.Pool(), backfill: 'a', options: { tabel: 'a' } });`;
  for (const name of ['app.mts', 'app.cts']) await writeFile(join(folder, 'alone', name), app);
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    noEmit: true,
    types: ['node'],
  };
  await writeFile(
    join(folder, 'alone/tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['app.mts', 'app.cts'] }),
  );
  expect(
    (await run(TSC, ['-p', '.'], { cwd: join(folder, 'alone') }).catch((error: { stdout: string }) => error))
      .stdout,
  ).toBe('');
});

it.each([
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])('has types that hold under module %s', async (module, moduleResolution) => {
  await writeFile(
    join(folder, 'app.ts'),
    `import pg from 'pg';
     import { createSearch, defineConfig } from '${NAME}';
     import type { CreateSearchOptions, FilterChoice, ReadMode, SearchHit, SearchResult } from '${NAME}';
     export default defineConfig({ backfills: { a: { table: 'a', text: ['t'] } } });
     const options: CreateSearchOptions = { pool: new pg.Pool(), backfill: 'articles' };
     const articles = createSearch(options);
     const filter: FilterChoice = { name: 'language', values: ['de'] };
     const result: SearchResult = await articles.search('flat tyre', { k: 10, filter, key: 'u', signal: AbortSignal.timeout(10) });
     const [first]: SearchHit[] = result.hits;
     const mode: ReadMode = result.mode;
     console.log(first?.key, mode);
     // @ts-expect-error k is a number
     await articles.search('x', { k: '1' });
     // @ts-expect-error there is no such option
     createSearch({ pool: new pg.Pool(), backfill: 'a', nope: 1 });
     // @ts-expect-error there is no such key
     defineConfig({ backfills: { a: { tabel: 'a' } } });
     await articles.close();`,
  );
  const compilerOptions = {
    module,
    moduleResolution,
    target: 'es2022',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
  const { stdout } = await run(TSC, ['-p', '.'], { cwd: folder });
  expect(stdout).toBe('');
});
