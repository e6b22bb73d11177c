import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { judgedQueries } from '../../src/demo/sample-queries.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import type { ComparedModel, ComparedModels } from '../../src/verify/compared-models/compare-models.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

interface VerifyJson {
  passed: boolean;
  checks: { name: string; passed: boolean; value: unknown; threshold: unknown; remedy: string | null }[];
  relevance: { queries: number; systems: { name: string; ndcg10: number; low: number; high: number }[] };
  curve: { setting: string };
  latency: { systems: { name: string }[] };
}

describe('the verb verify', () => {
  const model = sampleModel(64);
  let backfill: TestBackfill;
  let folder: string;
  let vector: number;
  const path = (name: string): string => join(folder, name);
  const verify = (...args: string[]): Promise<CommandResult> =>
    runCommand('verify', args, backfill.env, folder);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-verify-'));
    const [backend] = databases();
    backfill = await openBackfill(await backend!.create(), model, {
      BACKFILL_TABLE: 'articles',
      BACKFILL_TEXT: 'title,body',
    });
    await loadArticles(backfill.pool, articles());
    await backfill.enqueue();
    await backfill.work();
    const lines = judgedQueries.map(({ text }, at) => JSON.stringify({ _id: `q${at}`, text }));
    await writeFile(path('queries.jsonl'), lines.join('\n'));
    const grades = judgedQueries.flatMap(({ relevant }, at) => relevant.map((key) => `q${at}\t${key}\t1`));
    await writeFile(path('qrels.tsv'), ['query-id\tcorpus-id\tscore', ...grades].join('\n'));
  });
  afterAll(async () => {
    await backfill.close();
    await rm(folder, { recursive: true });
  });

  it('measures judged queries, says it as JSON, and writes a report with samples', async () => {
    const { code, json, stderr } = await verify(
      '--json',
      '--queries',
      path('queries.jsonl'),
      '--judgements',
      path('qrels.tsv'),
      '--report',
      path('report.html'),
      '--samples',
      '2',
    );
    const { passed, checks, relevance, curve, latency } = json() as VerifyJson;
    expect(checks.filter((check) => !check.passed)).toEqual([]);
    expect({ code, stderr, passed }).toEqual({ code: 0, stderr: '', passed: true });
    expect(relevance.queries).toBe(judgedQueries.length);
    expect(relevance.systems.map(({ name }) => name)).toEqual(['legacy', 'tsvector', 'vector', 'hybrid']);
    vector = relevance.systems.find(({ name }) => name === 'vector')?.ndcg10 ?? 0;
    expect(curve.setting).toBe('hnsw.ef_search');
    expect(latency.systems).toHaveLength(5);
    const report = await readFile(path('report.html'), 'utf8');
    expect(report.startsWith('<!doctype html>')).toBe(true);
    expect(report.includes(judgedQueries[0]!.text)).toBe(true);
    // Titles of rows are nobody else's on this machine.
    expect((await stat(path('report.html'))).mode & 0o077).toBe(0);
  });

  it('finds what a comparison of models beforehand has found on all rows', async () => {
    const { code, json } = await runCommand(
      'compare-models',
      ['--json', '--models', model.name, '--queries', 'queries.jsonl', '--judgements', 'qrels.tsv'],
      backfill.env,
      folder,
    );
    const { queries, models } = json() as ComparedModels;
    expect({ code, queries }).toEqual({
      code: 0,
      queries: { source: 'judged', column: null, count: judgedQueries.length, unknownKeys: 0 },
    });
    expect((models[0] as ComparedModel).modes[0]?.ndcg10).toBeCloseTo(vector, 2);
  });

  it('ends with 3 where a check does not pass, writes the report all the same, and says what to do', async () => {
    const { code, stdout } = await verify(
      '--verify-latency-ms',
      '0.0001',
      '--by',
      'status',
      '--report',
      path('failed.html'),
    );
    expect(code).toBe(3);
    expect(stdout).toMatch(/FAIL {2}latency-p95 .*\n {6}do: See which part takes the time/);
    expect(stdout).toContain('Recall@10 and median ms by hnsw.ef_search');
    expect(stdout).toMatch(/^Searches within the \d groups of column status: /m);
    expect(stdout).toMatch(/^decile +groups +rows +rows of a group +recall@10 /m);
    const failed = await readFile(path('failed.html'), 'utf8');
    for (const part of ['latency-p95', 'Searches within groups', 'relaxed_order'])
      expect(failed).toContain(part);
  });

  it.each([
    ['--judgements needs --queries', ['--judgements', 'qrels.tsv']],
    ['--samples needs --report and --queries', ['--samples', '3', '--report', 'r.html']],
    ['has no column nothing', ['--by', 'nothing']],
    ['every row has a value of its own', ['--by', 'id']],
    ['--by needs the name of a column', ['--by', '']],
    ['--samples must be', ['--samples', 'many']],
    ['does not exist', ['--queries', 'nothing.jsonl']],
    ['cannot be written', ['--report', 'no/such/folder.html']],
    [
      'one for each of values',
      ['--search-filters', '[{"name":"f","where":"id = $1 AND id = $2","values":[1]}]'],
    ],
  ])('refuses with 2: %s', async (message, args) => {
    const { code, stderr } = await verify(...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) as string });
  });
});
