import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queryDigest, readJudgements, readQueries } from '../../src/relevance/query-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queries-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const file = async (content: string): Promise<string> => {
  const path = join(folder, 'file');
  await writeFile(path, content);
  return path;
};

const plain = async (path: string): Promise<Record<string, Record<string, number>>> =>
  Object.fromEntries(
    [...(await readJudgements(path))].map(([id, grades]) => [id, Object.fromEntries(grades)]),
  );

describe('readQueries', () => {
  it('takes id and _id, numbers and words, and leaves other keys alone', async () => {
    const path = await file(
      '\uFEFF{"id": 1, "text": "flat tyre"}\r\n\n{"_id": "q2", "text": "wing", "metadata": {}}\n',
    );
    expect(await readQueries(path)).toEqual([
      { id: '1', text: 'flat tyre' },
      { id: 'q2', text: 'wing' },
    ]);
  });

  it.each([
    ['no JSON', '{"id": "1", "text": "secret words"'],
    ['no text', '{"id": "1"}'],
    ['an empty text', '{"id": "1", "text": " "}'],
    ['a NUL character', String.raw`{"id": "1", "text": "secret\u0000words"}`],
    ['no id', '{"text": "secret words"}'],
    ['null', 'null'],
    ['an id twice', '{"id": "1", "text": "a"}\n{"id": "1", "text": "b"}'],
    ['nothing', '\n'],
  ])('refuses %s by its line, without its text', async (_, content) => {
    const failure = readQueries(await file(content));
    await expect(failure).rejects.toMatchObject({ code: 'QUERY_FILE_UNREADABLE' });
    await expect(failure).rejects.toThrow(/^Line [12] of /);
    await expect(failure).rejects.not.toThrow(/secret/);
  });

  it('refuses more queries than it would hold in memory', async () => {
    const lines = Array.from({ length: 10_001 }, (_, id) => JSON.stringify({ id, text: 'x' }));
    await expect(readQueries(await file(lines.join('\n')))).rejects.toMatchObject({
      code: 'QUERY_FILE_TOO_LARGE',
    });
    expect(await readQueries(await file(lines.slice(1).join('\n')))).toHaveLength(10_000);
  });

  it('refuses a file that is not there', async () => {
    await expect(readQueries(join(folder, 'none'))).rejects.toMatchObject({
      code: 'QUERY_FILE_MISSING',
      remedy: expect.stringContaining('--queries') as string,
    });
  });
});

describe('readJudgements', () => {
  const wanted = { q1: { 12: 1, 13: 0 }, q2: { 7: 3 } };

  it.each([
    ['TREC', 'q1 0 12 1\nq1  0  13  0\nq2 Q0 7 3\n'],
    ['TREC with tabs', 'q1\t0\t12\t1\nq1\t0\t13\t0\nq2\t0\t7\t3'],
    ['BEIR', 'query-id\tcorpus-id\tscore\nq1\t12\t1\nq1\t13\t0\nq2\t7\t3\n'],
    ['another header', 'query_id\tdoc_id\tgrade\nq1\t12\t1\nq1\t13\t0\nq2\t7\t3\n'],
    ['no header, a line twice', 'q1 12 1\r\nq1 12 1\r\nq1 13 0\r\n\r\nq2 7 3'],
  ])('reads %s', async (_, content) => {
    expect(await plain(await file(content))).toEqual(wanted);
  });

  it('takes keys with spaces between tabs', async () => {
    expect(await plain(await file('q 1\ta key\t-1'))).toEqual({ 'q 1': { 'a key': -1 } });
  });

  it.each([
    ['too few columns', 'q1 1'],
    ['too many columns', 'a b c d 1'],
    ['a grade that is no number', 'q1 1 1\nq1 2 high'],
    ['a grade that is no whole number', 'q1 1 0.5'],
    ['a header in the middle', 'q1 1 1\nquery-id corpus-id score'],
    ['two grades for one pair', 'q1 1 1\nq1 1 2'],
    ['nothing but a header', 'query-id\tcorpus-id\tscore\n'],
  ])('refuses %s', async (_, content) => {
    await expect(readJudgements(await file(content))).rejects.toMatchObject({
      code: 'QUERY_FILE_UNREADABLE',
      remedy: expect.stringContaining('--judgements') as string,
    });
  });
});

describe('queryDigest', () => {
  it('minds content, not order', () => {
    const [a, b] = [
      { id: '1', text: 'x' },
      { id: '2', text: 'y' },
    ] as const;
    const judged = (grade: number): Map<string, Map<string, number>> =>
      new Map([['1', new Map([['k', grade]])]]);
    expect(queryDigest([a, b], judged(1))).toBe(queryDigest([b, a], judged(1)));
    expect(queryDigest([a, b], judged(1))).not.toBe(queryDigest([a, b], judged(2)));
    expect(queryDigest([a, b], null)).not.toBe(queryDigest([a], null));
  });
});
