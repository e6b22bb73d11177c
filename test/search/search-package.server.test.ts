/** The search face in somebody else's application: alone, bundled, and behind a bundle that has left its packages behind. */

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build, type Format } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSearchPackage } from '../../scripts/search-package/package.ts';
import { queryVector } from '../../src/search/query-vector.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { openModelTable, type ModelTable } from './model-table.ts';

const run = promisify(execFile);
const PLATFORM = `${process.platform}-${process.arch}`;
const NAME = 'pgvector-backfill-search';
/** Of every kind that a tokenizer of one's own could get wrong, and one that is masked. */
const TEXTS = [
  'flat tyre',
  'Crème brûlée, naïve ﬁ',
  '日本語 नमस्ते 🚲',
  'write to jane@example.com',
  'x'.repeat(300),
];

const BODY = `
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, allowExitOnIdle: true });
const articles = createSearch({ pool, backfill: 'articles' });
const ready = async () => {
  const { reported } = await articles.ready();
  const { answeredBy, hits } = await articles.search('flat tyre', { k: 3 });
  const vectors = [];
  for (const text of ${JSON.stringify(TEXTS)})
    vectors.push(await articles.embed(text).catch((error) => error.code));
  const inSql = await pool.query('SELECT id::text FROM articles ORDER BY embedding <=> $1::vector LIMIT 3', [JSON.stringify(vectors[0])]);
  console.log(JSON.stringify({ reported, answeredBy, keys: hits.map((hit) => hit.key), inSql: inSql.rows.map((row) => row.id), vectors }));
  // No close(): the process ends all the same.
};
ready();
`;
const MODULE = `import pg from 'pg';\nimport { createSearch } from '${NAME}';\n${BODY}`;
const COMMON_JS = `const pg = require('pg');\nconst { createSearch } = require('${NAME}');\n${BODY}`;

describe.each(databases())('the search package on $name', ({ create }) => {
  let table: ModelTable;
  let folder: string;
  let modules: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'search-package-'));
    modules = join(folder, 'app/node_modules');
    await mkdir(modules, { recursive: true });
    await buildSearchPackage(join(modules, NAME), [PLATFORM]);
    await symlink(resolve('node_modules/pg'), join(modules, 'pg'));
    await writeFile(join(folder, 'app/app.mjs'), MODULE);
    await writeFile(join(folder, 'app/app.cjs'), COMMON_JS);
    table = await openModelTable(await create(), sampleModel());
  });
  afterAll(async () => {
    await table.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs one application to its own end, and holds it against what the program itself makes of the same texts. */
  async function expectVectors(file: string): Promise<void> {
    const env = { PATH: process.env['PATH'], DATABASE_URL: table.url };
    const { stdout, stderr } = await run(process.execPath, [join(folder, file)], { cwd: folder, env });
    expect(stderr).toBe('');
    const answer = JSON.parse(stdout) as { keys: string[]; vectors: unknown[] };
    const expected = await Promise.all(
      TEXTS.map((text) => queryVector(table.embedder, text).catch((error: { code: string }) => error.code)),
    );
    expect(answer).toMatchObject({ reported: true, answeredBy: 'vector', inSql: answer.keys });
    expect(answer.vectors).toEqual(expected);
    expect(answer.vectors[0]).toHaveLength(table.embedder.dimensions);
  }

  it.each(['app/app.mjs', 'app/app.cjs'])('answers by the very vectors of the program: %s', expectVectors);

  it.each<[Format, string, string]>([
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
    await expectVectors(`app/${file}`);
  });

  it('a bundle without its package finds the inference beside it, or says what to deploy', async () => {
    const alone = join(folder, 'alone');
    await mkdir(join(alone, 'node_modules'), { recursive: true });
    await symlink(resolve('node_modules/pg'), join(alone, 'node_modules/pg'));
    await cp(join(folder, 'app/bundle.mjs'), join(alone, 'bundle.mjs'));
    await expect(expectVectors('alone/bundle.mjs')).rejects.toThrow(/INFERENCE_FILES_MISSING/);
    for (const file of ['inference.cjs', 'native.cjs', PLATFORM])
      await cp(join(modules, NAME, file), join(alone, file), { recursive: true });
    await expectVectors('alone/bundle.mjs');
  });

  it('brings no package along, and runs nothing when it is installed', async () => {
    const { default: manifest } = (await import(join(modules, NAME, 'package.json'), {
      with: { type: 'json' },
    })) as { default: Record<string, unknown> };
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).not.toHaveProperty('scripts');
    expect((await readdir(join(modules, NAME))).filter((name) => name.endsWith('.txt'))).toEqual([
      'NOTICES.txt',
    ]);
  });
});
