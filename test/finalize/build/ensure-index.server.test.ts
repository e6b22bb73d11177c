/** The build under faults, on a real server: never two builds, never a valid index dropped. */

import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import pg from 'pg';
import { hasPostgres, realDatabase } from '../../setup/databases.ts';
import { startProxy, type TestProxy } from '../../setup/proxy.ts';
import { INDEX, openVectorTable, type VectorTable } from '../../verify/vector-table.ts';
import { startBuild, type SupervisedBuild } from '../supervised-build.ts';

/** Enough that their graph does not fit into a megabyte. */
const ROWS = 1500;

describe.runIf(hasPostgres())('the build of the index', () => {
  let url: string;
  let table: VectorTable;
  let blocker: pg.Client;
  let blockerPid: number;
  let proxy: TestProxy;

  beforeEach(async () => {
    const database = await realDatabase();
    url = database.databaseUrl;
    table = await openVectorTable(database, ROWS, null);
    proxy = await startProxy(() => inject('postgresUrl') ?? '');
    blocker = new pg.Client({ connectionString: url, application_name: 'the shop' });
    blocker.on('error', () => {});
    await blocker.connect();
    blockerPid = (await blocker.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? 0;
  });
  afterEach(async () => {
    await blocker.end();
    await proxy.close();
    await table.close();
  });

  const start = (flags?: Record<string, string>, through = url): Promise<SupervisedBuild> =>
    startBuild(table.pool, through, ROWS, flags);

  /** CONCURRENTLY waits for a transaction that was there before it and has written. */
  const block = async (): Promise<void> => {
    await blocker.query('BEGIN');
    await blocker.query(`UPDATE things SET title = title WHERE id = 1`);
  };
  const letGo = (): Promise<unknown> => blocker.query('ROLLBACK');
  const isBlocked = ({ blockers }: { blockers: { pid: number }[] }): boolean =>
    blockers.some(({ pid }) => pid === blockerPid);

  interface Found {
    oid: string;
    name: string;
    valid: boolean;
  }
  const indexes = async (): Promise<Found[]> =>
    (
      await table.pool.query<Found>(
        `SELECT c.oid::text AS oid, c.relname::text AS name, i.indisvalid AS valid FROM pg_index i
           JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'things'::regclass AND NOT i.indisprimary ORDER BY c.oid`,
      )
    ).rows;
  const builders = async (): Promise<number[]> =>
    (
      await table.pool.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()`,
      )
    ).rows.map(({ pid }) => pid);
  const signal = (
    call: 'pg_cancel_backend' | 'pg_terminate_backend',
    pid: number | undefined,
  ): Promise<unknown> => table.pool.query(`SELECT ${call}($1)`, [pid]);
  const kinds = ({ events }: SupervisedBuild): string[] => events.map(({ kind }) => kind);

  it.each([
    [
      'a writer',
      'BEGIN',
      `UPDATE things SET title = title WHERE id = 1`,
      /^waiting for writers before build/,
    ],
    [
      'an old snapshot',
      'BEGIN ISOLATION LEVEL REPEATABLE READ',
      'SELECT 1 FROM things',
      /^waiting for old snapshots/,
    ],
    [
      'a lock of the table',
      'BEGIN',
      'LOCK TABLE things IN SHARE UPDATE EXCLUSIVE MODE',
      /^waiting for the table/,
    ],
  ])('names %s that it waits for, and ends once that is gone', async (_name, begin, sql, phase) => {
    await blocker.query(begin);
    await blocker.query(sql);
    const build = await start();
    const seen = await build.untilProgress(isBlocked);
    expect(seen).toMatchObject({
      phase: expect.stringMatching(phase) as string,
      share: null,
      blockers: [{ pid: blockerPid, application: 'the shop', state: 'idle in transaction' }],
    });
    expect(JSON.stringify(seen)).not.toContain('things');
    await letGo();
    expect(await build.result).toMatchObject({ built: true });
    expect(await indexes()).toMatchObject([{ name: INDEX, valid: true }]);
    expect(kinds(build)).toEqual([]);
  });

  it('is done once where two ask for it', async () => {
    await block();
    const both = [await start(), await start()];
    await Promise.all(both.map((build) => build.untilProgress(isBlocked)));
    expect(await builders()).toHaveLength(1);
    const [held] = await indexes();
    await letGo();
    const results = await Promise.all(both.map((build) => build.result));
    const builder = results.filter(({ built }) => built);
    expect(builder).toHaveLength(1);
    expect(builder[0]?.actual).toMatchObject({
      walBytes: expect.any(Number) as number,
      memoryBytes: expect.any(Number) as number,
      spilledAfter: null,
    });
    const [course] = builder.map(({ actual }) => actual);
    expect(course?.waitedSeconds).toBeGreaterThan(0);
    expect(course?.waitedSeconds).toBeLessThanOrEqual(course?.seconds ?? 0);
    // The other one has its time from the server, and makes up nothing that only the builder can know.
    const watcher = results.find(({ built }) => !built)?.actual;
    expect(watcher).toMatchObject({ sizeBytes: course?.sizeBytes, walBytes: null, memoryBytes: null });
    expect(Math.abs((watcher?.seconds ?? 0) - (course?.seconds ?? 0))).toBeLessThan(3);
    expect(await indexes()).toEqual([{ ...held, valid: true }]);
  });

  it('waits for that of another column of the table, which would end in a deadlock', async () => {
    await table.pool.query(
      'ALTER TABLE things ADD COLUMN second vector(16); UPDATE things SET second = embedding',
    );
    await block();
    const first = await start();
    await first.untilProgress(isBlocked);
    const [builder] = await builders();
    const second = await start({ column: 'second' });
    expect(await second.untilProgress(({ share }) => share === null)).toMatchObject({
      phase: 'waiting for another index of the table',
      blockers: [{ pid: builder, application: 'pgvector-backfill finalizer' }],
    });
    expect(await builders()).toEqual([builder]);
    await letGo();
    expect(await Promise.all([first.result, second.result])).toMatchObject([
      { built: true, watched: false },
      { built: true, watched: false },
    ]);
    expect(await indexes()).toMatchObject([
      { name: INDEX, valid: true },
      { name: 'things_second_hnsw_idx', valid: true },
    ]);
    expect([...kinds(first), ...kinds(second)]).toEqual([]);
  });

  it('names who has its lock and builds nothing, and what to do about it', async () => {
    // As a server connection does that a pooler has handed on to an application.
    await blocker.query(`SELECT pg_advisory_lock(716423, hashtext('"public"."things"'))`);
    const build = await start();
    expect(await build.untilProgress(isBlocked)).toMatchObject({
      phase: 'waiting for another finalizer',
      blockers: [{ pid: blockerPid, application: 'the shop', state: 'idle' }],
    });
    const { message } = await build.untilEvent('index.lock-held');
    expect(message).toContain(`pid ${blockerPid} (the shop)`);
    expect(message).toContain(`pg_terminate_backend(${blockerPid})`);
    await signal('pg_terminate_backend', blockerPid);
    expect(await build.result).toMatchObject({ built: true });
    expect(kinds(build)).toEqual(['index.lock-held']);
  });

  it('cancelled on the server, begins again; its own leftover goes', async () => {
    await block();
    const build = await start();
    await build.untilProgress(isBlocked);
    const [leftover] = await indexes();
    await signal('pg_cancel_backend', (await builders())[0]);
    await build.untilEvent('index.build-failed');
    await letGo();
    await build.result;
    expect(kinds(build)).toEqual(['index.build-failed', 'index.leftover-dropped']);
    const after = await indexes();
    expect(after).toMatchObject([{ name: INDEX, valid: true }]);
    expect(after[0]?.oid).not.toBe(leftover?.oid);
  });

  it('its session ended by the server, begins again on another', async () => {
    await block();
    const build = await start();
    await build.untilProgress(isBlocked);
    await signal('pg_terminate_backend', (await builders())[0]);
    await build.untilEvent('index.session-lost');
    await letGo();
    expect(await build.result).toMatchObject({ built: true });
    expect(kinds(build)).toEqual(['index.session-lost', 'index.leftover-dropped']);
    expect(await indexes()).toMatchObject([{ name: INDEX, valid: true }]);
  });

  it('its process gone behind a network that is silent, begins again', async () => {
    await block();
    const build = await start({}, withDatabase(proxy.url));
    await build.untilProgress(isBlocked);
    const [pid] = await builders();
    proxy.hold();
    await signal('pg_terminate_backend', pid);
    await build.untilEvent('index.session-lost');
    proxy.resume();
    await letGo();
    expect(await build.result).toMatchObject({ built: true });
    expect(await indexes()).toMatchObject([{ name: INDEX, valid: true }]);
  });

  it('ended on the server behind a network that is silent, is found valid and not done again', async () => {
    await block();
    const build = await start({}, withDatabase(proxy.url));
    await build.untilProgress(isBlocked);
    const [held] = await indexes();
    proxy.hold();
    await letGo();
    await build.untilEvent('index.session-lost');
    proxy.resume();
    expect(await build.result).toMatchObject({ built: true });
    expect(kinds(build)).toEqual(['index.session-lost']);
    expect(await indexes()).toEqual([{ ...held, valid: true }]);
  });

  it('cut off from the server, goes on there: nobody begins a second one', async () => {
    await block();
    const build = await start({}, withDatabase(proxy.url));
    await build.untilProgress(isBlocked);
    const [held] = await indexes();
    const before = await builders();
    proxy.cut();
    proxy.resume();
    await build.untilEvent('index.session-lost');
    const seen = build.progress.length;
    await build.untilProgress((each) => isBlocked(each) && build.progress.indexOf(each) >= seen);
    expect(await builders()).toEqual(before);
    await letGo();
    await build.result;
    expect(await indexes()).toEqual([{ ...held, valid: true }]);
  });

  it("leaves somebody else's index alone, invalid or not", async () => {
    await table.pool.query(`CREATE INDEX theirs ON things USING hnsw (embedding vector_l2_ops)`);
    await table.pool.query(`CREATE INDEX theirs_too ON things (title)`);
    await table.pool.query(
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('theirs'::regclass, 'theirs_too'::regclass)`,
    );
    const before = await indexes();
    const build = await start();
    await build.result;
    expect(await indexes()).toEqual([...before, expect.objectContaining({ name: INDEX, valid: true })]);
  });

  it('never drops a valid index of another definition under its name', async () => {
    await table.pool.query(`CREATE INDEX ${INDEX} ON things USING hnsw (embedding vector_l2_ops)`);
    const before = await indexes();
    const build = await start();
    await expect(build.result).rejects.toMatchObject({
      code: 'INDEX_NAME_TAKEN',
      remedy: expect.stringContaining('pgvector-backfill finalize') as string,
    });
    expect(await indexes()).toEqual(before);
  });

  it('says when the graph no longer fits into memory, and what would have been enough', async () => {
    const build = await start({ 'index-maintenance-work-mem': '1MB' });
    const { notices } = await build.result;
    expect(notices).toContainEqual(expect.stringMatching(/^hnsw graph no longer fits/));
    expect(build.events).toEqual([
      {
        level: 'warn',
        kind: 'index.memory',
        message: expect.stringContaining('set index.maintenanceWorkMem (') as string,
        detail: { tuples: expect.any(Number) as number, rows: ROWS, neededMiB: expect.any(Number) as number },
      },
    ]);
  });

  const withDatabase = (address: string): string => {
    const through = new URL(address);
    through.pathname = new URL(url).pathname;
    return through.href;
  };
});
