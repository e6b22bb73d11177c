/** Generations of one backfill: a writer notes a change once, and drains move it to each; nothing is lost or taken twice. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { claimSync, lockSync, saveSyncMode, syncState } from '../../src/ledger/changes/drain-lease.ts';
import { lockReceivers, moveShared, sharedUpTo } from '../../src/ledger/changes/shared-changes.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { applyCapture, missingCapture } from '../../src/sync/capture.ts';
import { releaseCapture } from '../../src/sync/release-capture.ts';
import { spreadChanges } from '../../src/sync/spread-changes.ts';
import { databases, hasPostgres, type TestDatabase } from '../setup/databases.ts';

describe.each(databases())('one captured change for two generations, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  type Loaded = Awaited<ReturnType<typeof load>>;
  let first: Loaded;
  let second: Loaded;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 8, logger: silentLogger });
    await migrate(pool);
    await pool.query(
      `CREATE TABLE docs (id bigint PRIMARY KEY, ref text NOT NULL UNIQUE, title text, body text, views int DEFAULT 0,
         embedding text, embedding_updated_at timestamptz, embedding_2 text, embedding_2_updated_at timestamptz)`,
    );
    first = await load('docs', { BACKFILL_TEXT: 'body' });
    second = await load('docs@2', { BACKFILL_TEXT: 'title,body', BACKFILL_COLUMN: 'embedding_2' });
    await install(first);
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  async function load(backfill: string, options: Record<string, string>) {
    const env = { DATABASE_URL: database.databaseUrl, BACKFILL_TABLE: 'docs', ...options };
    const { settings } = await loadConfig({ flags: {}, env, cwd: '/', backfill: 'docs' });
    return { settings, target: await describeTarget(pool, backfill, settings) };
  }
  const install = async ({ settings, target }: Loaded): Promise<string> => {
    await saveBackfill(pool, target, { column: target.column, updatedAtColumn: target.updatedAtColumn });
    return applyCapture(pool, target, settings);
  };
  const waiting = async (): Promise<string[]> => {
    const found = await pool.query<{ note: string }>(
      `SELECT concat(backfill, ' ', coalesce(key, 'all')) AS note FROM pgvector_backfill.change ORDER BY id`,
    );
    return found.rows.map(({ note }) => note);
  };
  const spread = (backfill = 'docs', kept?: number): Promise<void> =>
    spreadChanges({ pool, backfill, ...(kept === undefined ? {} : { kept }) });
  const insert = (...ids: number[]): Promise<unknown> =>
    pool.query(`INSERT INTO docs (id, ref, body) SELECT id, 'r' || id, 'x' FROM unnest($1::bigint[]) id`, [
      ids,
    ]);
  const both = (...keys: (number | 'all')[]): string[] =>
    keys.flatMap((key) => [`docs ${key}`, `docs@2 ${key}`]);

  it('is noted once, whichever of them it is about, from the commit on by which the second one is armed', async () => {
    expect(await syncState(pool, 'docs')).toMatchObject({ pending: 0, oldestSeconds: null });
    await insert(1, 2);
    await install(second);
    await pool.query(`UPDATE docs SET title = 't' WHERE id = 1`);
    await pool.query(`UPDATE docs SET body = 'y' WHERE id = 1`);
    await pool.query(`UPDATE docs SET views = 1, embedding = 'v', embedding_2 = 'v'`);
    await pool.query('UPDATE docs SET id = 3 WHERE id = 2');
    await pool.query('TRUNCATE docs');
    const before = ['docs 1', 'docs 2'];
    expect(await waiting()).toEqual([
      ...before,
      'docs@all 1',
      'docs@all 1',
      'docs@all 2',
      'docs@all 3',
      'docs@all all',
    ]);
    expect(await missingCapture(pool, first.target, 'trigger')).toEqual([]);
    expect(await missingCapture(pool, second.target, 'trigger')).toEqual([]);
    await pool.query(`UPDATE pgvector_backfill.change SET at = now() - interval '1 min' WHERE id = 3`);
    expect(await syncState(pool, 'docs@2')).toMatchObject({
      pending: 5,
      oldestSeconds: expect.closeTo(60, 0),
    });
    expect((await syncState(pool, 'docs')).pending).toBe(7);
    await spread('docs@2');
    expect(await waiting()).toEqual([...before, ...both(1, 2, 3, 'all')]);
    expect(await syncState(pool, 'docs@2')).toMatchObject({
      pending: 4,
      oldestSeconds: expect.closeTo(60, 0),
    });
  });

  it('that waits stands for every later one of its key, so that what nobody drains does not grow', async () => {
    await install(second);
    for (const title of ['a', 'b', 'c']) {
      await insert(1, 2);
      await pool.query('UPDATE docs SET title = $1', [title]);
      await pool.query('TRUNCATE docs');
      await spread();
    }
    expect((await waiting()).toSorted()).toEqual(both(1, 2, 'all').toSorted());
    await pool.query(
      `INSERT INTO pgvector_backfill.missed_change (backfill, reason) VALUES ('docs@all', '55P03')`,
    );
    await spread();
    const missed = await pool.query(
      'SELECT backfill, reason FROM pgvector_backfill.missed_change ORDER BY 1',
    );
    expect(missed.rows).toEqual(['docs', 'docs@2'].map((backfill) => ({ backfill, reason: '55P03' })));
  });

  // The embedded server has one session: whoever waits for another one there waits for good.
  it.runIf(hasPostgres())(
    'is moved whole or not at all, and only once it is committed, whatever its number',
    async () => {
      await install(second);
      const writer = await pool.connect();
      const killed = await pool.connect();
      killed.on('error', () => {});
      try {
        await writer.query('BEGIN');
        await writer.query(`INSERT INTO docs (id, ref) VALUES (1, 'late')`);
        await insert(2);
        await killed.query('BEGIN');
        const receivers = await lockReceivers(killed, 'docs');
        const upTo = (await sharedUpTo(killed, 'docs')) ?? '';
        await moveShared(killed, 'docs', { receivers, after: '0', upTo, limit: 9 });
        const pid = await killed.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        await pool.query('SELECT pg_terminate_backend($1, 5000)', [pid.rows[0]?.pid]);
        expect(await waiting()).toEqual(['docs@all 2']);
        await Promise.all([spread(), spread('docs@2')]);
        expect(await waiting()).toEqual(both(2));
        await writer.query('COMMIT');
        await spread();
        expect(await waiting()).toEqual(both(2, 1));
      } finally {
        writer.release();
        killed.release(true);
      }
    },
  );

  it('gives way to a sweep where more wait for a generation that nobody drains than its table has rows', async () => {
    await install(second);
    await insert(1, 2, 3);
    await spread('docs', 2);
    expect(await waiting()).toEqual(both(1, 2, 3));
    await pool.query(
      `UPDATE pgvector_backfill.sync SET drained_at = now() - CASE backfill WHEN 'docs' THEN interval '1 s' ELSE interval '1 h' END`,
    );
    await insert(4);
    await spread('docs', 4);
    expect((await waiting()).slice(6)).toEqual(both(4));
    await pool.query(`UPDATE pgvector_backfill.sync SET waiting_checked_at = now() - interval '1 h'`);
    await insert(5);
    await spread('docs', 4);
    expect(await waiting()).toEqual([1, 2, 3, 4, 5].map((key) => `docs ${key}`));
    const wanted = await pool.query(
      'SELECT backfill FROM pgvector_backfill.sync WHERE sweep_wanted ORDER BY 1',
    );
    expect(wanted.rows).toEqual([{ backfill: 'docs@2' }]);
  });

  it.runIf(hasPostgres())('does not stand for one that is being settled', async () => {
    await install(second);
    await pool.query(
      `INSERT INTO pgvector_backfill.run (backfill, fingerprint, model, dimensions, batch_rows) VALUES ('docs@2', 'f', 'm', 3, 10)`,
    );
    await insert(1);
    await spread();
    const claim = await claimSync(pool, 'docs@2', '1');
    const settling = await pool.connect();
    try {
      await settling.query('BEGIN');
      expect(claim !== null && (await lockSync(settling, claim))).toBe(true);
      await settling.query(`DELETE FROM pgvector_backfill.change WHERE backfill = 'docs@2'`);
      await pool.query(`UPDATE docs SET body = 'edited behind the look at it' WHERE id = 1`);
      await spread();
      expect(await waiting()).toEqual(['docs 1', 'docs@2 1', 'docs@all 1']);
      await settling.query('COMMIT');
    } finally {
      settling.release();
    }
    await spread();
    expect((await waiting()).toSorted()).toEqual(both(1));
  });

  it('is for those that are there: one that goes leaves the others theirs, one of another key has its own', async () => {
    await install(second);
    await insert(1);
    const third = await load('docs@3', {
      BACKFILL_TEXT: 'body',
      BACKFILL_KEY: 'ref',
      BACKFILL_COLUMN: 'embedding_3',
      BACKFILL_UPDATED_AT_COLUMN: 'embedding_3_updated_at',
    });
    await install(third);
    expect(await waiting()).toEqual(both(1));
    await insert(2);
    expect((await waiting()).slice(2)).toEqual(['docs 2', 'docs@2 2', 'docs@3 r2']);
    await saveSyncMode(pool, 'docs@3', 'off', '');
    await releaseCapture(pool, third.target);
    await insert(3);
    expect((await waiting()).slice(5)).toEqual(['docs@all 3']);
    await saveSyncMode(pool, 'docs', 'off', '');
    await releaseCapture(pool, first.target);
    await insert(4);
    expect((await waiting()).slice(5)).toEqual(['docs@2 3', 'docs@2 4']);
  });
});
