/** Queries and judgements as retrieval test collections bring them: BEIR's JSON lines, TREC's qrels. */

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { ConfigError } from '../errors.ts';
import type { Grades } from './metrics.ts';

export interface Query {
  id: string;
  text: string;
}

/** By digests of the ids: the same order each time, and no order of where they come from, which may be by subject. */
export function inDrawnOrder<T extends Pick<Query, 'id'>>(queries: readonly T[]): T[] {
  const order = new Map(queries.map(({ id }) => [id, createHash('md5').update(id).digest('hex')]));
  return queries.toSorted((a, b) => ((order.get(a.id) ?? '') < (order.get(b.id) ?? '') ? -1 : 1));
}

/** Query id → what was judged for it. */
export type Judgements = ReadonlyMap<string, Grades>;

/** A thousand times the usual collection; a wrong file should not fill the memory. */
const MAX_BYTES = 64 * 1024 ** 2;
/** All of them are held in memory with their vectors; TREC's largest collections have a few thousand. */
const MAX_QUERIES = 10_000;

/** @throws ConfigError where the file is not there, too large or no JSON lines with an id and a text each. */
export async function readQueries(path: string): Promise<Query[]> {
  const queries = new Map<string, Query>();
  for (const [at, line] of (await readLines(path, 'queries')).entries()) {
    if (line.trim() === '') continue;
    const query = parseQuery(line);
    const wrong =
      query === null
        ? 'is not like {"id": "1", "text": "…"} (or with _id), or its text is empty or holds a NUL character'
        : queries.has(query.id)
          ? `has the id ${JSON.stringify(query.id)} again`
          : null;
    if (query === null || wrong !== null) throw unreadable('queries', path, at, String(wrong));
    queries.set(query.id, query);
  }
  if (queries.size > MAX_QUERIES)
    throw new ConfigError(`The file ${path} of --queries has more than ${MAX_QUERIES} queries.`, {
      code: 'QUERY_FILE_TOO_LARGE',
      remedy: 'Name a file with fewer queries by --queries: a sample tells as much.',
    });
  if (queries.size === 0) throw unreadable('queries', path, 0, 'is the end: there is no query');
  return [...queries.values()];
}

function parseQuery(line: string): Query | null {
  try {
    const parsed = JSON.parse(line) as Record<string, unknown> | null;
    const id = parsed?.['_id'] ?? parsed?.['id'];
    const text = parsed?.['text'];
    if ((typeof id !== 'string' && typeof id !== 'number') || typeof text !== 'string') return null;
    // PostgreSQL takes no NUL, and the legacy search is asked with the text as it is.
    return text.trim() === '' || text.includes('\0') ? null : { id: String(id), text };
  } catch {
    return null;
  }
}

/**
 * Lines of `query key grade` (BEIR, with or without a header) or `query iteration key grade` (TREC), parted by tabs or spaces.
 * @throws ConfigError where a line is neither, or one pair has two grades.
 */
export async function readJudgements(path: string): Promise<Judgements> {
  const judgements = new Map<string, Map<string, number>>();
  for (const [at, line] of (await readLines(path, 'judgements')).entries()) {
    if (line.trim() === '') continue;
    const fields = line.includes('\t')
      ? line.split('\t').map((each) => each.trim())
      : line.trim().split(/\s+/);
    const [query, key, written] = fields.length === 4 ? [fields[0], fields[2], fields[3]] : fields;
    const grade = written === undefined || written === '' ? Number.NaN : Number(written);
    const readable = fields.length >= 3 && fields.length <= 4 && query !== undefined && key !== undefined;
    // A header: words where the first line's grade would be.
    if (at === 0 && readable && /^[a-z_-]+$/i.test(written ?? '')) continue;
    if (!readable || !Number.isInteger(grade))
      throw unreadable('judgements', path, at, 'is not query, key, grade or query, 0, key, grade');
    const grades = judgements.get(query) ?? new Map<string, number>();
    if (grades.has(key) && grades.get(key) !== grade)
      throw unreadable(
        'judgements',
        path,
        at,
        'gives a pair of query and key another grade than a line before',
      );
    judgements.set(query, grades.set(key, grade));
  }
  if (judgements.size === 0) throw unreadable('judgements', path, 0, 'is the end: there is no judgement');
  return judgements;
}

/** Tells one set of queries and judgements from another, whatever the order of their lines. */
export function queryDigest(queries: readonly Query[], judgements: Judgements | null): string {
  const lines = [
    ...queries.map(({ id, text }) => JSON.stringify(['query', id, text])),
    ...[...(judgements ?? [])].flatMap(([id, grades]) =>
      [...grades].map(([key, grade]) => JSON.stringify(['judgement', id, key, grade])),
    ),
  ];
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
}

async function readLines(path: string, flag: string): Promise<string[]> {
  const facts = await stat(path).catch(() => null);
  if (facts === null || !facts.isFile())
    throw new ConfigError(`The file ${path} of --${flag} does not exist.`, {
      code: 'QUERY_FILE_MISSING',
      remedy: `Name an existing file with --${flag}.`,
    });
  if (facts.size > MAX_BYTES)
    throw new ConfigError(
      `The file ${path} of --${flag} is larger than ${MAX_BYTES / 1024 ** 2} MB, which is no set of judged queries.`,
      { code: 'QUERY_FILE_TOO_LARGE', remedy: `Name a smaller file with --${flag}.` },
    );
  return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '').split(/\r?\n/);
}

/** By line, never with its text: queries are what people typed. */
function unreadable(flag: string, path: string, at: number, wrong: string): ConfigError {
  return new ConfigError(`Line ${at + 1} of ${path} ${wrong}.`, {
    code: 'QUERY_FILE_UNREADABLE',
    remedy: `Correct the file of --${flag}.`,
  });
}
