import { describe, expect, it } from 'vitest';
import {
  concurrentBuildMissesRows,
  openBuildSession,
  prepareSession,
  workersToSet,
  type BuildSession,
} from '../../../src/finalize/build/session.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { hasPostgres, realDatabase } from '../../setup/databases.ts';
import { makeSettings, makeTarget } from '../../table/make-target.ts';
import { DIMENSIONS, openVectorTable } from '../../verify/vector-table.ts';

describe('gates by version', () => {
  it.each([
    [130_022, false],
    [140_000, true],
    [140_003, true],
    [140_004, false],
    [180_000, false],
  ])('server %i misses rows in a concurrent build: %s', (number, misses) => {
    expect(concurrentBuildMissesRows(number)).toBe(misses);
  });

  it.each([
    ['0.8.0', undefined, 0],
    ['0.8.1', 4, 0],
    ['0.8.2', undefined, null],
    ['0.8.2', 4, 4],
    ['0.8.10', 0, 0],
  ])('pgvector %s with index.parallelWorkers %s: %s', (version, configured, expected) => {
    expect(workersToSet(version, configured)).toBe(expected);
  });
});

describe('prepareSession', () => {
  const prepare = async (session: BuildSession, flags: Record<string, string> = {}): Promise<number> =>
    prepareSession(
      {
        target: makeTarget({ table: '"public"."things"' }),
        settings: await makeSettings(flags),
        dimensions: DIMENSIONS,
        rows: 10_000,
        logger: silentLogger,
      },
      session,
    );
  /** A server that answers every query with this row, whatever was set before. */
  const forgetful = (row: object): BuildSession => ({
    client: { query: () => Promise.resolve({ rows: [row] }) } as unknown as BuildSession['client'],
    pid: 1,
    end: () => Promise.resolve(),
  });

  it('builds nothing where the server may miss rows', async () => {
    await expect(prepare(forgetful({ number: 140_003 }))).rejects.toMatchObject({
      code: 'SERVER_MISSES_ROWS',
    });
  });

  it('builds nothing where settings do not stay, as behind a pooler in transaction mode', async () => {
    const server = {
      number: 180_000,
      version: '0.8.7',
      schema: 'public',
      bytes: 1,
      memory: '64MB',
      workers: '2',
      transactions: '0',
    };
    await expect(prepare(forgetful({ ...server, timeout: '30s' }))).rejects.toMatchObject({
      code: 'SESSION_NOT_KEPT',
      remedy: expect.stringContaining('DATABASE_URL') as string,
    });
    await expect(
      prepare(forgetful({ ...server, timeout: '0' }), { 'index-parallel-workers': '0' }),
    ).rejects.toMatchObject({ code: 'SESSION_NOT_KEPT' });
    await prepare(forgetful({ ...server, timeout: '0' }));
    await expect(prepare(forgetful({ ...server, timeout: '0', transactions: '30s' }))).rejects.toMatchObject({
      code: 'SESSION_NOT_KEPT',
    });
  });

  it.runIf(hasPostgres())('sets what a long build needs, on its own session alone', async () => {
    const database = await realDatabase();
    const table = await openVectorTable(database, 10, null);
    const name = new URL(database.databaseUrl).pathname.slice(1);
    // Any of these would end a build, or the session while it waits for its turn. The last is known since PostgreSQL 17.
    for (const timeout of ['statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout'])
      await table.pool.query(`ALTER DATABASE ${name} SET ${timeout} = '1s'`).catch(() => {});
    const settings = await makeSettings({ database: database.databaseUrl });
    const session = await openBuildSession(settings);
    const memory = await prepare(session, {
      'index-maintenance-work-mem': '96MB',
      'index-parallel-workers': '0',
    });
    expect(memory).toBe(96 * 1024 ** 2);
    const sql = `SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'maintenance_work_mem',
      'max_parallel_maintenance_workers', 'client_min_messages', 'tcp_keepalives_idle',
      'idle_in_transaction_session_timeout') OR (name = 'transaction_timeout' AND setting <> '0') ORDER BY name`;
    const shown = async (db: Pick<BuildSession['client'], 'query'>): Promise<Record<string, string>> =>
      Object.fromEntries(
        (await db.query<{ name: string; setting: string }>(sql)).rows.map(({ name, setting }) => [
          name,
          setting,
        ]),
      );
    expect(await shown(session.client)).toEqual({
      client_min_messages: 'notice',
      idle_in_transaction_session_timeout: '0',
      lock_timeout: '600000',
      maintenance_work_mem: String(96 * 1024),
      max_parallel_maintenance_workers: '0',
      statement_timeout: '0',
      tcp_keepalives_idle: '60',
    });
    const own = await table.pool.query(sql);
    await session.end();
    expect((await table.pool.query(sql)).rows).toEqual(own.rows);
    await expect(session.client.query('SELECT 1')).rejects.toThrow(/closed/);
    await table.close();
  });
});
