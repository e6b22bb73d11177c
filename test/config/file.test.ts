import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { messageOf } from '../../src/errors.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-file-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('takes the example of the README to the letter', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const example = /```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  await writeFile(join(folder, 'backfill.config.json'), example);
  expect(await loadConfig({ flags: {}, env: {}, cwd: folder })).toMatchObject({
    backfill: 'articles',
    file: 'backfill.config.json',
    settings: {
      database: { url: 'postgres://owner@db.example/app' },
      queue: 'redis://redis.example:6379',
      table: 'public.articles',
      key: 'id',
      text: ['title', 'body'],
      where: "status <> 'draft'",
      column: 'embedding',
      updatedAtColumn: 'embedding_updated_at',
      model: {
        name: 'Xenova/all-MiniLM-L6-v2',
        localPath: './models',
        allowDownload: true,
        dtype: 'auto',
        pooling: 'mean',
        normalize: true,
        maxTokens: 256,
      },
      metric: 'cosine',
      batchRows: 1000,
      index: { method: 'hnsw', coverage: 0.99, m: 16, efConstruction: 64 },
      legacySearch:
        "SELECT id FROM articles WHERE title ILIKE '%'||$1||'%' OR body ILIKE '%'||$1||'%' LIMIT $2",
    },
  });
});

const CONTENT = `{ database: 'postgres://u@127.0.0.1:1/from_file', backfills: { docs: { table: 't', text: ['a'] } } }`;

const FILES = [
  ['backfill.config.ts', `const config: object = ${CONTENT};\nexport default config;`],
  ['backfill.config.js', `export default ${CONTENT};`],
  ['backfill.config.js', `module.exports = ${CONTENT};`],
  ['backfill.config.mjs', `export default ${CONTENT};`],
  ['backfill.config.json', CONTENT.replaceAll(/(\w+): /g, '"$1": ').replaceAll("'", '"')],
] as const;
const VERB_IN_FOLDERS = fileURLToPath(new URL('../setup/verb-in-folders.mjs', import.meta.url));

// In a process of its own, one for all: inside the test runner it is the runner that loads modules.
let read: Promise<{ code: number; said: unknown }[]> | undefined;
async function readAll(): Promise<{ code: number; said: unknown }[]> {
  const folders = FILES.map((_, at) => join(folder, String(at)));
  for (const [at, [name, content]] of FILES.entries()) {
    await mkdir(folders[at] ?? '');
    await writeFile(join(folders[at] ?? '', name), content);
  }
  const argv = [['--json', '--log-level', 'silent'], folders].map((list) => JSON.stringify(list));
  const { PATH, HOME } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [VERB_IN_FOLDERS, inject('compiled'), 'status', ...argv],
    { env: { PATH, HOME } },
  );
  return JSON.parse(stdout) as { code: number; said: unknown }[];
}

it.each(FILES.map(([name, content], at) => [name, content, at] as const))(
  'a verb reads %s: %s',
  async (_name, _content, at) => {
    const result = (await (read ??= readAll()))[at];
    expect(result?.said).toMatchObject({
      error: { message: expect.stringContaining('127.0.0.1:1/from_file') as string },
    });
    expect(result?.code).toBe(2);
  },
);

it.each([
  '{ "dashboard": { "password": hidden-word } }',
  '{ "dashboard": { "password": "hidden-word }',
  '{ "database": "postgres://u:hidden-word@h/d" "queue": 1 }',
  'hidden-word',
])('shows nothing of a JSON file that is none: %s', async (content) => {
  await writeFile(join(folder, 'backfill.config.json'), content);
  const error = await loadConfig({ flags: {}, env: {}, cwd: folder }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' });
  expect(messageOf(error)).toContain('backfill.config.json');
  expect(messageOf(error)).not.toMatch(/hidd|word"/);
});

it.each(['[]', '"text"', 'null', '3'])('refuses a file that holds %s', async (content) => {
  await writeFile(join(folder, 'backfill.config.json'), content);
  await expect(loadConfig({ flags: {}, env: {}, cwd: folder })).rejects.toMatchObject({
    code: 'CONFIG_FILE_SHAPE',
  });
});
