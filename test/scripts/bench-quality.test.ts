import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collectionsOf, type Collection } from '../../scripts/bench/quality/collections.ts';
import type { CollectionRuns } from '../../scripts/bench/quality/runs.ts';
import { qualityTables } from '../../scripts/bench/quality/tables.ts';
import { readJudgements, readQueries } from '../../src/relevance/query-file.ts';

let folder: string;
const lines = (records: object[]): string => records.map((record) => JSON.stringify(record)).join('\n');
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quality-'));
  for (const name of ['a-records', 'b-judged', 'models']) await mkdir(join(folder, name));
  await writeFile(
    join(folder, 'a-records/docs.jsonl'),
    lines([
      { id: 'x', title: 'Editorial', text: 'one' },
      { id: 'y', title: 'Its own', text: 'two' },
      { id: 'z', title: 'editorial', text: 'three' },
      { id: 'w', title: 'No text' },
    ]),
  );
  await writeFile(join(folder, 'b-judged/docs.jsonl'), lines([{ id: '7', title: '', text: 'a' }]));
  await writeFile(join(folder, 'b-judged/queries.jsonl'), lines([{ id: 'q', text: 'a' }]));
  await writeFile(join(folder, 'b-judged/qrels.tsv'), 'q\t7\t1');
});
afterAll(() => rm(folder, { recursive: true }));

it('measures judged collections with their queries, and others by titles that one record alone has', async () => {
  const [judged, records] = await collectionsOf(folder, join(folder, 'made'), { rows: 3, queries: 5 });
  expect(judged).toMatchObject({ name: 'b-judged', isJudged: true, text: ['title', 'body'] });
  expect(judged?.records.map(({ id }) => id)).toEqual([7n]);
  expect(records).toMatchObject({ name: 'a-records', isJudged: false, text: ['body'] });
  expect(records?.records).toHaveLength(3);
  expect(await readQueries(records?.queriesFile ?? '')).toEqual([{ id: '2', text: 'Its own' }]);
  expect([...((await readJudgements(records?.judgementsFile ?? '')).get('2') ?? [])]).toEqual([['2', 1]]);
});

it('says what each search finds and costs, and how far the comparison before the run was off', () => {
  const score = (name: string, ndcg10: number): CollectionRuns['runs'][number]['systems'][number] =>
    ({ name, ndcg10, low: 0.1, high: 0.9, recall100: 0.8, recallLow: 0.7, recallHigh: 0.9 }) as never;
  const index = { method: 'hnsw', type: 'vector' };
  const forecast = { rows: 1000, tableBytes: 1024, stageBytes: 1024, index };
  const runs = {
    queries: 5,
    words: { bytes: 1024, seconds: 0.06 },
    runs: [
      {
        model: { name: 'mine' },
        compared: { dimensions: 384, modes: [{ mode: 'truncate', ndcg10: 0.501, forecast }] },
        rowsPerSecond: 100,
        fusion: null,
        systems: [score('legacy', 0.1), score('tsvector', 0.2), score('vector', 0.5), score('hybrid', 0.6)],
      },
    ],
  } as unknown as CollectionRuns;
  const collection = { name: 'c', isJudged: true, records: Array.from({ length: 1000 }) } as Collection;
  const tables = qualityTables(collection, runs).join('\n');
  expect(tables).toContain('| mine | 0.500 | [0.100, 0.900] | 0.800 | [0.700, 0.900] |');
  expect(tables).toContain('| hybrid: mine and tsvector | 0.600 |');
  const [run] = runs.runs;
  const part = (ndcg10: number): object => ({ ndcg10, difference: { value: 0.1, low: 0, high: 0.2 } });
  const learnt = {
    settings: { words: 0.25 },
    learntOn: 2,
    reportedOn: 3,
    vector: part(0.5),
    equal: part(0.4),
    hybrid: part(0.6),
  };
  const withLearnt = qualityTables(collection, {
    ...runs,
    runs: [{ ...run!, fusion: learnt as never }],
  }).join('\n');
  expect(withLearnt).not.toContain('hybrid: mine');
  expect(withLearnt).toContain('learnt on 2 of the queries; nDCG@10 of the other 3');
  expect(withLearnt).toContain('| mine | 0.25 | 0.500 | 0.600 | +0.100 [0.000, 0.200] | 0.400 |');
  expect(tables).toContain('| full-text search (tsvector) | 1 min 0 s | 1000 kB |  |');
  expect(tables).toContain('| mine | 2 h 46 min | 1.9 GB | 2.1 GB |');
  expect(tables).toContain('| mine | 0.501 | 0.500 | -0.001 |');
});
