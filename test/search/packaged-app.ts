/** An application that asks by vectors, as a process of its own, held against what the program itself makes of the same texts. */

import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { queryVector } from '../../src/search/queries/query-vector.ts';
import type { ModelTable } from './model-table.ts';

const run = promisify(execFile);

export const PACKAGE = 'pgvector-backfill-search';
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
async function ask() {
  const { reported } = await articles.ready();
  const { answeredBy, hits } = await articles.search('flat tyre', { k: 3 });
  const vectors = [];
  for (const text of ${JSON.stringify(TEXTS)})
    vectors.push(await articles.embed(text).catch((error) => error.code));
  const inSql = await pool.query('SELECT id::text FROM articles ORDER BY embedding <=> $1::vector LIMIT 3', [JSON.stringify(vectors[0])]);
  console.log(JSON.stringify({ reported, answeredBy, keys: hits.map((hit) => hit.key), inSql: inSql.rows.map((row) => row.id), vectors, counts: articles.clicked({}, '1') }));
  // No close(): the process ends all the same.
}
ask();
`;
export const moduleApp = (name = PACKAGE): string =>
  `import pg from 'pg';\nimport { createSearch } from '${name}';\n${BODY}`;
export const commonJsApp = (name = PACKAGE): string =>
  `const pg = require('pg');\nconst { createSearch } = require('${name}');\n${BODY}`;

/** Runs it to its own end. @throws Error with what it wrote where it fails */
export async function expectVectors(table: ModelTable, file: string): Promise<void> {
  const env = { PATH: process.env['PATH'], DATABASE_URL: table.url };
  const { stdout, stderr } = await run(process.execPath, [file], { cwd: dirname(file), env });
  expect(stderr).toBe('');
  const answer = JSON.parse(stdout) as { keys: string[]; vectors: unknown[] };
  const expected = await Promise.all(
    TEXTS.map((text) => queryVector(table.embedder, text).catch((error: { code: string }) => error.code)),
  );
  expect(answer).toMatchObject({ reported: true, answeredBy: 'vector', inSql: answer.keys, counts: false });
  expect(answer.vectors).toEqual(expected);
  expect(answer.vectors[0]).toHaveLength(table.embedder.dimensions);
}
