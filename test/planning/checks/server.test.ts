/** Versions that no server here has: the catalog's answers are given instead. */

import { describe, expect, it } from 'vitest';
import type { Queryable } from '../../../src/db/pool.ts';
import { checkExtension, checkServer } from '../../../src/planning/checks/server.ts';
import { blockers } from '../../../src/planning/doctor.ts';

/** Answers each query in turn with one row. */
function answering(...answers: object[]): Queryable {
  const query = (): Promise<unknown> => Promise.resolve({ rows: [answers.shift() ?? {}] });
  return { query } as unknown as Queryable;
}

describe('checkServer', () => {
  const levels = async (number: number): Promise<string[]> =>
    (await checkServer(answering({ number, version: 'X' }))).map(({ check, level }) => `${check}: ${level}`);

  it.each([
    [120_022, 'error'],
    [130_000, 'ok'],
    [140_000, 'error'],
    [140_003, 'error'],
    [140_004, 'ok'],
    [180_000, 'ok'],
  ])('PostgreSQL %i: %s', async (number, level) => {
    expect(await levels(number)).toEqual([`postgresql: ${level}`]);
  });

  it('a server that takes no writes blocks, by the option of its address', async () => {
    const findings = await checkServer(
      answering({ number: 180_000, version: '18.0' }, { standby: false, readonly: true }),
    );
    expect(blockers(findings)).toMatchObject([
      {
        check: 'read-only',
        option: 'database',
        message:
          'The database takes no writes: default_transaction_read_only is on, as providers set it where the disk is full.',
      },
    ]);
  });
});

describe('checkExtension', () => {
  const installed = (version: string): Queryable =>
    answering({ version, available: '0.8.6', schema: 'public' });
  const check = async (db: Queryable): Promise<string[]> =>
    (await checkExtension(db)).map(({ check, level }) => `${check}: ${level}`);

  it.each([
    ['0.4.4', ['pgvector: error']],
    ['0.5.0', ['pgvector: ok', 'pgvector-version: warn']],
    ['0.8.1', ['pgvector: ok', 'pgvector-version: warn']],
    ['0.8.2', ['pgvector: ok', 'pgvector-version: warn']],
    ['0.8.3', ['pgvector: ok', 'pgvector-version: warn']],
    ['0.8.4', ['pgvector: ok']],
    ['0.8.10', ['pgvector: ok']],
    ['1.0.0', ['pgvector: ok']],
  ])('pgvector %s: %j', async (version, expected) => {
    expect(await check(installed(version))).toEqual(expected);
  });

  it('tells a release without parallel builds from one whose vacuum is at fault', async () => {
    const message = async (version: string): Promise<string | undefined> =>
      (await checkExtension(installed(version)))[1]?.message;
    expect(await message('0.8.1')).toContain('CVE-2026-3172');
    expect(await message('0.8.2')).toContain('vacuum');
  });

  it('not on the server, not in the database, and not to be created by this user', async () => {
    expect(await checkExtension(answering({ version: null, available: null, schema: null }))).toMatchObject([
      { level: 'error', message: 'pgvector is not installed on this server.' },
    ]);
    const available = { version: null, available: '0.8.6', schema: null };
    expect(await checkExtension(answering(available, { allowed: true }))).toMatchObject([
      { level: 'ok', message: expect.stringContaining('enqueue will create') as string },
    ]);
    expect(await checkExtension(answering(available, { allowed: false }))).toMatchObject([
      { level: 'error', remedy: expect.stringContaining('CREATE EXTENSION vector') as string },
    ]);
    expect(
      await check(answering({ version: null, available: '0.4.0', schema: null }, { allowed: true })),
    ).toEqual(['pgvector: error']);
  });
});
