/** Wrong input and missing conditions: a clear error, the right exit code, and nothing half-done. */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { databases, hasPostgres, onServer, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

const model = sampleModel();

const everythingBefore = `SELECT (SELECT count(*)::int FROM pg_namespace WHERE nspname IN ('pgvector_backfill', 'bullmq')) AS schemas,
  (SELECT count(*)::int FROM pg_class WHERE relname LIKE '%embedding_stage') AS stages,
  (SELECT count(*)::int FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attnum > 0) AS columns`;

describe.each(databases())('refusals on $name', ({ create }) => {
  let backfill: TestBackfill;
  let before: unknown;
  beforeEach(async () => {
    backfill = await openBackfill(await create({ bare: true }), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
    });
    await backfill.pool.query(`CREATE TABLE docs (id bigint PRIMARY KEY, body text, loose int, name text)`);
    await backfill.pool.query(`INSERT INTO docs VALUES (1, 'bread and butter')`);
    before = (await backfill.pool.query(everythingBefore)).rows[0];
  });
  afterEach(() => backfill.close());

  const enqueue = (changes: Record<string, string>, args: string[] = []): Promise<CommandResult> =>
    runCommand('enqueue', args, { ...backfill.env, ...changes });
  const nothingChanged = async (): Promise<void> =>
    expect((await backfill.pool.query(everythingBefore)).rows[0]).toEqual(before);

  it('a table, key or column that is not there, or does not do', async () => {
    for (const [changes, ...words] of [
      [{ BACKFILL_TABLE: 'public.nowhere' }, 'public.nowhere', 'BACKFILL_TABLE'],
      [{ BACKFILL_KEY: 'nokey' }, 'nokey', 'BACKFILL_KEY'],
      [{ BACKFILL_KEY: 'name' }, 'no unique index', 'BACKFILL_KEY'],
      [{ BACKFILL_KEY: 'loose' }, 'no unique index', 'BACKFILL_KEY'],
      [{ BACKFILL_TEXT: 'title' }, 'title', 'BACKFILL_TEXT'],
      [{ BACKFILL_WHERE: 'status = 1' }, 'status', 'BACKFILL_WHERE'],
    ] as [Record<string, string>, ...string[]][]) {
      const { code, stderr } = await enqueue(changes);
      expect({ code, changes }).toEqual({ code: 2, changes });
      for (const word of words) expect(stderr).toContain(word);
    }
    await nothingChanged();
  });

  it('a column of another dimension than the model', async () => {
    await backfill.pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await backfill.pool.query('ALTER TABLE docs ADD COLUMN embedding vector(7)');
    before = (await backfill.pool.query(everythingBefore)).rows[0];
    const { code, stderr } = await enqueue({});
    expect(code).toBe(2);
    expect(stderr).toContain('vector(7)');
    expect(stderr).toContain(`vector(${model.dimensions})`);
    await nothingChanged();
    const doctor = await runCommand('doctor', ['--json'], backfill.env);
    expect(doctor.code).toBe(3);
    expect(doctor.json()).toMatchObject({ passed: false });
  });

  it('more dimensions than the model has', async () => {
    const asked = String(model.dimensions + 1);
    const { code, stderr } = await enqueue({ BACKFILL_MODEL_DIMENSIONS: asked });
    expect(code).toBe(2);
    for (const word of [asked, `have ${model.dimensions} dimensions`, 'BACKFILL_MODEL_DIMENSIONS'])
      expect(stderr).toContain(word);
    await nothingChanged();
  });

  it('a model folder that cannot be read, or lacks files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-locked-'));
    try {
      const { code, stderr } = await enqueue({ BACKFILL_MODEL_LOCAL_PATH: folder });
      expect(code).toBe(2);
      for (const word of [
        'tokenizer.json',
        'onnx/model.onnx',
        folder,
        'BACKFILL_MODEL_LOCAL_PATH',
        'model.allowDownload',
      ])
        expect(stderr).toContain(word);
      await chmod(folder, 0o000);
      expect((await enqueue({ BACKFILL_MODEL_LOCAL_PATH: folder })).code).toBe(2);
    } finally {
      await chmod(folder, 0o700);
      await rm(folder, { recursive: true });
    }
    await nothingChanged();
  });

  it('a wrong database or queue address, without showing the password', async () => {
    const database = await enqueue({ DATABASE_URL: 'postgres://somebody:s3cret-word@127.0.0.1:1/db' });
    expect(database.code).toBe(2);
    expect(database.stderr).toContain('DATABASE_URL');
    const queue = await enqueue({ QUEUE_URL: 'redis://:s3cret-word@127.0.0.1:1' });
    expect(queue.code).toBe(2);
    expect(queue.stderr).toContain('QUEUE_URL');
    expect(`${database.stderr}${database.stdout}${queue.stderr}${queue.stdout}`).not.toContain('s3cret-word');
    await nothingChanged();
  });

  it('--dry-run shows the DDL and changes nothing', async () => {
    const { code, stdout, json } = await enqueue({}, ['--dry-run', '--json']);
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      backfill: 'docs',
      run: null,
      rows: 1,
      batches: 1,
      enqueued: 0,
      alreadyDone: 0,
      dryRun: true,
    });
    expect(stdout).toContain('ADD COLUMN IF NOT EXISTS');
    expect(stdout).not.toContain('bread and butter');
    await nothingChanged();
  });

  it('verbs that need a run say so', async () => {
    for (const verb of ['status', 'verify', 'finalize']) {
      const { code, stderr } = await runCommand(verb, [], backfill.env);
      expect({ verb, code }).toEqual({ verb, code: 3 });
      expect(stderr).toContain('pgvector-backfill enqueue');
    }
  });

  it('doctor changes nothing', async () => {
    expect((await runCommand('doctor', [], backfill.env)).code).toBe(0);
    await nothingChanged();
  });

  it('verify ends with exit code 3 where it does not pass', async () => {
    await backfill.enqueue();
    const { code, json } = await runCommand('verify', ['--json'], backfill.env);
    expect(code).toBe(3);
    const { passed, checks } = json() as {
      passed: boolean;
      checks: { name: string; passed: boolean; detail: string }[];
    };
    expect(passed).toBe(false);
    expect(checks.filter((check) => !check.passed).map((check) => check.name)).toEqual([
      'accounting',
      'missing-rows',
      'coverage',
      'index-valid',
    ]);
  });

  it('a second backfill of a table that writes the column of the first one', async () => {
    await backfill.enqueue();
    const { code, stderr } = await enqueue({}, ['--backfill', 'second']);
    expect(code).toBe(2);
    for (const word of ['Column embedding of public.docs is written by backfill docs', 'BACKFILL_COLUMN'])
      expect(stderr).toContain(word);
  });

  it('another table under the name of a known backfill', async () => {
    await backfill.enqueue();
    await backfill.pool.query('CREATE SCHEMA other');
    await backfill.pool.query('CREATE TABLE other.docs (id bigint PRIMARY KEY, body text)');
    const { code, stderr } = await enqueue({ BACKFILL_TABLE: 'other.docs' });
    expect(code).toBe(2);
    expect(stderr).toContain('--backfill');
    expect(
      (
        await backfill.pool.query(
          `SELECT 1 FROM pg_attribute WHERE attrelid = 'other.docs'::regclass AND attname = 'embedding'`,
        )
      ).rows,
    ).toEqual([]);
  });
});

describe.runIf(hasPostgres())('refusals by privilege', () => {
  it('names every privilege that is missing, and that the extension may not be created', async () => {
    const backfill = await openBackfill(await realDatabase(undefined, { bare: true }), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
    });
    const role = `guest_${new URL(backfill.config.settings.database.url).pathname.slice(1)}`;
    try {
      await createDocs(backfill.pool);
      await backfill.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'guest'`);
      const url = new URL(backfill.config.settings.database.url);
      url.username = role;
      url.password = 'guest';
      const { code, stderr, stdout } = await runCommand('enqueue', ['--json'], {
        ...backfill.env,
        DATABASE_URL: url.href,
        QUEUE_URL: backfill.config.settings.queue,
      });
      expect(code).toBe(2);
      for (const word of [
        'SELECT on the table',
        'UPDATE on the table',
        'ownership',
        'CREATE on schema',
        'CREATE on the database',
        'CREATE EXTENSION vector',
      ])
        expect(stderr).toContain(word);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DOCTOR' } });
      expect(
        (await backfill.pool.query(`SELECT to_regnamespace('pgvector_backfill') AS schema`)).rows,
      ).toEqual([{ schema: null }]);
    } finally {
      await backfill.close();
      await onServer(inject('postgresUrl') ?? '', `DROP ROLE IF EXISTS ${role}`);
    }
  });
});
