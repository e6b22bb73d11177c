/** Replication, slots and the archive as real servers show them, of which one stands still on purpose. */

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { saveTuned } from '../../src/ledger/progress/throttle-state.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { Health } from '../../src/throttle/health.ts';
import type { Readings } from '../../src/throttle/signals.ts';
import { createDocs } from '../setup/docs-table.ts';
import { REPEATED_TEXTS, openBackfill, untilSettled } from '../setup/backfill.ts';
import { startPostgres, startReplica, type StartedServer } from '../setup/containers.ts';
import { hasContainers } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';

const ROWS = 1000;

describe.runIf(hasContainers())('a primary and its replica', () => {
  const model = sampleModel();
  let primary: StartedServer;
  let replica: StartedServer;
  let pool: Pool;
  let standby: pg.Client;

  beforeAll(async () => {
    primary = await startPostgres({ args: ['-c', 'archive_mode=on'] });
    pool = createPool(primary.url, { name: 'test', max: 4, logger: silentLogger });
    await pool.query(
      `COPY (SELECT 'host replication all all scram-sha-256') TO PROGRAM 'cat >> "$PGDATA/pg_hba.conf"'`,
    );
    await pool.query(`ALTER SYSTEM SET archive_command = 'true'`);
    await pool.query('SELECT pg_reload_conf()');
    replica = await startReplica(primary);
    standby = new pg.Client({ connectionString: replica.url });
    await standby.connect();
  });
  afterAll(async () => {
    await standby.end();
    await pool.end();
    await Promise.all([replica.stop(), primary.stop()]);
  });

  it('a replica that no longer replays holds the run, which goes on by itself when it does again', async () => {
    const backfill = await openBackfill(
      { databaseUrl: primary.url, queueUrl: primary.url, drop: () => Promise.resolve() },
      model,
      {
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        ...REPEATED_TEXTS,
        BACKFILL_BATCH_ROWS: '20',
        BACKFILL_THROTTLE_REPLICA_LAG: '1',
        BACKFILL_THROTTLE_CHECK_SECONDS: '0.2',
        // So slowly that it is not over before the replica is behind.
        BACKFILL_THROTTLE_ROWS_PER_SECOND: '50',
      },
    );
    await createDocs(
      backfill.pool,
      ROWS,
      `'bread ' || (ARRAY['garden', 'winter', 'guitar'])[1 + n % 3] || ' ' || n % 17`,
    );
    await backfill.enqueue();
    await standby.query('SELECT pg_wal_replay_pause()');
    const worker = await backfill.workers();
    let held = await backfill.snapshot();
    await until('the run is held', async () => (held = await backfill.snapshot()).throttle.state === 'hold');
    expect(held.throttle.reason).toMatch(/^replica lag [\d.]+ s \(holds at 1 s\)$/);
    expect(held.state).toBe('running');

    await saveTuned(backfill.pool, 'docs', { rowsPerSecond: null });
    // What was admitted before ends, at the latest in the staging table; then nothing is merged, however far the replica
    // falls behind.
    const lag = ({ throttle }: typeof held): number =>
      throttle.signals.find(({ name }) => name === 'replicaLag')?.value ?? 0;
    let still = await backfill.snapshot();
    let later = still;
    await until('nothing is merged while the replica falls behind by 2 s', async () => {
      later = await backfill.snapshot();
      if (later.batches.merged !== still.batches.merged) still = later;
      return lag(later) >= lag(still) + 2;
    });
    still = later;
    await until(
      'the replica is behind by another 3 s',
      async () => lag((later = await backfill.snapshot())) >= lag(still) + 3,
    );
    expect(later.batches.merged).toBe(still.batches.merged);
    expect(later.batches.pending).toBeGreaterThan(0);

    await standby.query('SELECT pg_wal_replay_resume()');
    expect(await untilSettled(backfill.pool, 'docs')).toMatchObject({ state: 'ready' });
    expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS });
    const events = await backfill.pool.query<{ kind: string }>(
      `SELECT kind FROM pgvector_backfill.event WHERE kind LIKE 'throttle.%' AND kind <> 'throttle.unknown' ORDER BY id`,
    );
    const kinds = events.rows.map(({ kind }) => kind);
    expect(kinds.slice(0, 2)).toEqual(['throttle.hold', 'throttle.go']);
    expect(kinds.at(-1)).toBe('throttle.go');
    await worker.drain();
    await backfill.close();
  });

  it('WAL kept for a slot, WAL that is not archived and a replica behind are seen in bytes and files', async () => {
    const read = (from: Pool): Promise<Readings> =>
      new Health(from, { table: 'docs', throttle: { sql: undefined } }).read();
    const write = (): Promise<unknown> =>
      pool.query(`SELECT pg_logical_emit_message(true, 'test', repeat('x', 100000)), pg_switch_wal()`);
    await pool.query(`SELECT pg_create_physical_replication_slot('forgotten', true)`);
    await standby.query('SELECT pg_wal_replay_pause()');
    // One file is archived, and from then on none.
    await write();
    const archived = `SELECT 1 FROM pg_stat_archiver WHERE last_archived_wal IS NOT NULL`;
    await until('a file is archived', async () => (await pool.query(archived)).rowCount !== 0);
    await pool.query(`ALTER SYSTEM SET archive_command = 'false'`);
    await pool.query('SELECT pg_reload_conf()');
    // Until the archiver has read that, it takes whatever there is, also between two looks below.
    const refused = `SELECT 1 FROM pg_stat_archiver WHERE failed_count > 0`;
    await until('the archiver has failed', async () => {
      await write();
      return (await pool.query(refused)).rowCount !== 0;
    });
    while (((await read(pool)).archiveBacklog.value ?? 0) < 3) await write();

    const seen = await read(pool);
    expect(seen.slotBacklog.value).toBeGreaterThan(300_000);
    expect(seen.replicaLagBytes.value).toBeGreaterThan(300_000);
    expect(seen.archiveBacklog.value).toBeGreaterThanOrEqual(3);

    await pool.query(`CREATE ROLE plain LOGIN PASSWORD 'secret'`);
    const url = new URL(primary.url);
    url.username = 'plain';
    url.password = 'secret';
    const plain = createPool(url.href, { name: 'test', max: 1, logger: silentLogger });
    const hidden = await read(plain);
    expect(hidden.replicaLag).toEqual({
      value: null,
      note: 'needs the role pg_monitor (or pg_read_all_stats)',
    });
    expect(hidden.replicaLagBytes.value).toBeNull();
    expect(hidden.slotBacklog.value).toBeGreaterThan(300_000);
    // Counted by names of files: the file that is being written is one of them or not.
    const counted = (await read(pool)).archiveBacklog.value ?? 0;
    expect(Math.abs((hidden.archiveBacklog.value ?? 0) - counted)).toBeLessThanOrEqual(1);
    await plain.end();
    await standby.query('SELECT pg_wal_replay_resume()');
  });
});
