/** SQL on the ledger's tables stands in src/ledger: whoever changes a table finds there all that goes by its columns. */

import { readFileSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MIGRATIONS = join('src', 'db', 'migrations');

/** Benchmarks arrange a ledger as tests do. The table of the migrations themselves is theirs. */
const EXEMPT = [join('src', 'ledger') + sep, join('scripts', 'bench') + sep, join('src', 'db', 'migrate.ts')];

const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));

const sourceOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const TABLES = [
  ...new Set(
    filesIn(MIGRATIONS, '.sql').flatMap((file) =>
      [...sourceOf(file).matchAll(/CREATE TABLE pgvector_backfill\.(\w+)/g)].map(([, name = '']) => name),
    ),
  ),
];
/** As it is written out, or behind a constant of the schema's name. */
const NAMED = new RegExp(`(?:pgvector_backfill|\\$\\{\\w+\\})\\.(?:${TABLES.join('|')})\\b`, 'g');

const withoutComments = (source: string): string =>
  source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');

/** `file: what it names`. */
const named = (file: string, source: string): string[] =>
  [...withoutComments(source).matchAll(NAMED)].map(([what]) => `${file}: ${what}`);

it('names a table of the ledger in no other room', () => {
  const files = ['src', 'scripts', 'workers']
    .flatMap((folder) => filesIn(folder, '.ts'))
    .filter((file) => !EXEMPT.some((each) => file.startsWith(each)));
  expect(files.length).toBeGreaterThan(300);
  expect(files.flatMap((file) => named(file, sourceOf(file)))).toEqual([]);
});

it('would find one, written out or by a constant, and minds no comment', () => {
  expect(TABLES).toContain('quarantine');
  const source = 'db.query(`SELECT 1 FROM pgvector_backfill.run`);\n';
  expect(
    named('a', source + 'db.query(`DELETE FROM ${SCHEMA}.change`);\n/* pgvector_backfill.batch */'),
  ).toEqual(['a: pgvector_backfill.run', 'a: ${SCHEMA}.change']);
  expect(named('b', '/* pgvector_backfill.batch */\n  // pgvector_backfill.batch\nx.run')).toEqual([]);
});
