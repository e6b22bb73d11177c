/** What `enqueue` does with another model: over the vectors that are there, or beside them. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { saveReadMode, type WantedReads } from '../../../src/ledger/reads/read-mode.ts';
import { twoModels, type TwoModels } from '../../setup/generations.ts';
import { openBackfill, type TestBackfill } from '../../setup/backfill.ts';
import { runCommand } from '../../setup/command.ts';
import { databases, hasPostgres } from '../../setup/databases.ts';
import { sampleModel } from '../../setup/model.ts';

const VECTOR: WantedReads = { mode: 'vector', percent: null };

describe.runIf(hasPostgres())('enqueue with another model', () => {
  let models: TwoModels;
  let backfill: TestBackfill;
  beforeAll(async () => {
    models = await twoModels();
  });
  afterAll(() => models.first.remove());
  beforeEach(async () => {
    const [backend] = databases();
    const database = await backend!.create();
    backfill = await openBackfill(database, models.first, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_MASK: 'none',
    });
    await backfill.pool.query('CREATE TABLE docs (id int PRIMARY KEY, body text)');
    await backfill.pool.query(
      `INSERT INTO docs SELECT n, 'bread and butter ' || n FROM generate_series(1, 30) n`,
    );
    await enqueue();
  });
  afterEach(() => backfill.close());

  const second = { BACKFILL_MODEL_NAME: 'second' };
  const reads = (choice: WantedReads): Promise<void> =>
    saveReadMode(backfill.pool, 'docs', choice, { by: 'test', reason: '' });
  async function enqueue(
    options: Record<string, string> = {},
    ...args: string[]
  ): Promise<{ code: number | null; json: Record<string, unknown>; stdout: string; stderr: string }> {
    const all = { ...backfill.env, ...options };
    const { code, stdout, stderr } = await runCommand('enqueue', ['--json', ...args], all);
    return { code, stdout, stderr, json: JSON.parse(stdout || '{}') as Record<string, unknown> };
  }
  const columns = async (): Promise<string[]> => {
    const found = await backfill.pool.query<{ name: string }>(
      `SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) AS name FROM pg_attribute a
        WHERE a.attrelid = 'docs'::regclass AND a.attname LIKE 'embedding%' AND NOT a.attisdropped ORDER BY a.attnum`,
    );
    return found.rows.map(({ name }) => name);
  };

  it('plans a generation beside the one that reads go by, says so before, and twice is a no-op', async () => {
    await reads(VECTOR);
    const dry = await runCommand('enqueue', ['--dry-run'], { ...backfill.env, ...second });
    expect(dry.stdout).toMatch(
      /Generation 2: second into column embedding_2 vector\(64\), beside generation 1\.\nGeneration 1 \(first, 32 dimensions, column embedding\) stays live/,
    );
    expect(dry.stdout).toMatch(/embedding takes about .* rows\/s/);
    const before = await columns();
    expect(before).toEqual(['embedding vector(32)', 'embedding_updated_at timestamp with time zone']);
    const beside = { generation: 1, model: 'first', dimensions: 32, column: 'embedding', isLive: true };
    expect((await enqueue(second)).json).toMatchObject({
      backfill: 'docs',
      generation: 2,
      beside,
      rows: 30,
      enqueued: 1,
    });
    expect((await columns()).slice(before.length)).toEqual([
      'embedding_2 vector(64)',
      'embedding_2_updated_at timestamp with time zone',
    ]);
    expect((await enqueue(second)).json).toMatchObject({ generation: 2, beside: null, enqueued: 0 });
    // A host that still has the old model in its configuration.
    expect((await enqueue()).json).toMatchObject({ generation: 1, beside: null, enqueued: 0 });
    expect((await columns()).length).toBe(4);
  });

  it('takes fewer dimensions of one model for another: beside, and never of more than it has', async () => {
    const cut = (dimensions: number): Record<string, string> => ({
      BACKFILL_MODEL_DIMENSIONS: String(dimensions),
    });
    const refused = await enqueue(cut(33));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('vectors of model first have 32 dimensions');
    expect(await columns()).toHaveLength(2);
    const beside = { generation: 1, model: 'first', dimensions: 32, column: 'embedding' };
    expect((await enqueue(cut(8))).json).toMatchObject({ generation: 2, beside, enqueued: 1 });
    expect(await columns()).toContain('embedding_2 vector(8)');
    expect((await enqueue(cut(8))).json).toMatchObject({ generation: 2, beside: null, enqueued: 0 });
    // As many as it has are the vectors that are there.
    expect((await enqueue(cut(32))).json).toMatchObject({ generation: 1, beside: null, enqueued: 0 });
  });

  it('refuses what would mix two models, and a third one', async () => {
    await reads({ mode: 'canary', percent: 5 });
    const mixed = await enqueue(second, '--in-place');
    expect(mixed.code).toBe(3);
    expect(mixed.json).toMatchObject({ error: { code: 'READS_BY_VECTORS' } });
    expect((await enqueue(second, '--in-place', '--beside')).code).toBe(2);
    await enqueue(second);
    const third = { BACKFILL_MODEL_NAME: 'second', BACKFILL_MODEL_POOLING: 'max' };
    const refused = await enqueue(third);
    expect(refused.code).toBe(3);
    expect(refused.json).toMatchObject({ error: { code: 'GENERATION_OPEN' } });
    expect(refused.stderr).toContain('pgvector-backfill abandon --generation 2 --execute');
    const doctor = await runCommand('doctor', ['--json'], { ...backfill.env, ...third });
    expect(doctor.code).toBe(3);
    expect(JSON.parse(doctor.stdout)).toMatchObject({
      passed: false,
      findings: expect.arrayContaining([
        expect.objectContaining({ check: 'generation', level: 'error' }),
      ]) as unknown,
    });
    await reads({ mode: 'vector', percent: null, generation: 2 });
    expect((await enqueue(third)).stderr).toContain('pgvector-backfill complete --generation 1 --execute');
  });

  it('embeds again in place while no reads go by vectors, but beside where the column cannot hold them, or it is told to', async () => {
    const pooled = { BACKFILL_MODEL_POOLING: 'max' };
    expect((await enqueue(pooled)).json).toMatchObject({ generation: 1, beside: null, enqueued: 1 });
    expect(await columns()).toHaveLength(2);
    expect((await enqueue({ BACKFILL_MODEL_POOLING: 'cls' }, '--beside')).json).toMatchObject({
      generation: 2,
      beside: { generation: 1, isLive: false },
    });
    expect((await columns()).at(2)).toBe('embedding_2 vector(32)');
  });

  it('says that a column cannot hold other vectors where it is to, and adds one where it may', async () => {
    expect((await enqueue(second, '--in-place')).json).toMatchObject({ error: { code: 'IN_PLACE' } });
    expect((await enqueue(second)).json).toMatchObject({ generation: 2, beside: { isLive: false } });
  });

  it.each([
    [second, 'embedding_2 vector(64)'],
    [{ BACKFILL_COLUMN_TYPE: 'halfvec' }, 'embedding_2 halfvec(32)'],
    [{ ...second, BACKFILL_COLUMN: 'better' }, undefined],
  ])('another dimension or column type never blocks: %j', async (options, column) => {
    await reads(VECTOR);
    const planned = await enqueue(options);
    expect(planned.json).toMatchObject({ generation: 2, beside: { generation: 1 } });
    expect((await columns()).at(2)).toBe(column);
    expect((await enqueue(options)).json).toMatchObject({ generation: 2, enqueued: 0 });
  });

  it('tells two models of one name in two folders apart by their files', async () => {
    await reads(VECTOR);
    const { localPath, name } = sampleModel(64);
    const elsewhere = { BACKFILL_MODEL_LOCAL_PATH: `${localPath}/${name}`, BACKFILL_MODEL_NAME: 'first' };
    expect((await enqueue(elsewhere)).json).toMatchObject({ generation: 2, beside: { dimensions: 32 } });
    expect((await enqueue()).json).toMatchObject({ generation: 1, enqueued: 0 });
  });
});
