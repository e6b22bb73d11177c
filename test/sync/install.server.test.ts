/** Putting the triggers on a table that is in use, and on one where that is not allowed. */

import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { applyCapture } from '../../src/sync/capture.ts';
import { presentTriggers } from '../../src/sync/capture-state.ts';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { migrate } from '../../src/db/migrate.ts';

const model = sampleModel();

describe.runIf(hasPostgres())('installing change capture', () => {
  let backfill: TestBackfill;
  const open = async (options: Record<string, string> = {}): Promise<void> => {
    backfill = await openBackfill(await realDatabase(undefined, { bare: true }), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      ...options,
    });
    await createDocs(backfill.pool, 20, `'bread ' || n`);
  };
  afterEach(() => backfill.close());

  /** The application's own statement waits at most as long as the lock timeout says, whoever holds the table. */
  async function behindALongTransaction(tries: number, onTry: (attempt: number) => Promise<void>) {
    const { pool, config } = backfill;
    await migrate(pool);
    const target = await backfill.target();
    await saveBackfill(pool, target, {});
    const holder = await pool.connect();
    await holder.query('BEGIN');
    await holder.query(`UPDATE docs SET body = 'held' WHERE id = 1`);
    const waits: number[] = [];
    const over = new AbortController();
    const writing = (async () => {
      for (let n = 0; !over.signal.aborted; n++) {
        const found = await pool.query<{ ms: number }>(
          `WITH w AS (UPDATE docs SET body = body || '.' WHERE id = ${2 + (n % 10)} RETURNING 1)
           SELECT extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000 AS ms FROM w`,
        );
        waits.push(Number(found.rows[0]?.ms));
      }
    })();
    let attempts = 0;
    const counting = Object.create(pool, {
      connect: {
        // With a callback it is a single query; transactions ask without.
        value: async (callback?: never) => {
          if (callback !== undefined) return pool.connect(callback);
          await onTry(++attempts);
          return pool.connect();
        },
      },
    }) as typeof pool;
    const limits = { lockTimeoutMs: 100, statementTimeoutMs: 10_000, tries };
    const finish = async (): Promise<{ attempts: number; writes: number }> => {
      over.abort();
      await writing;
      return { attempts, writes: waits.length };
    };
    return { installing: applyCapture(counting, target, config.settings, limits), holder, finish };
  }

  it('gives way to a long transaction, comes back, and is there once that has ended', async () => {
    await open();
    let release = async (): Promise<void> => {};
    const { installing, holder, finish } = await behindALongTransaction(200, async (attempt) => {
      // The first connection looks which columns are used; the tries come behind it.
      if (attempt === 4) await release();
    });
    release = async () => {
      await holder.query('COMMIT');
      holder.release();
    };
    expect(await installing).toBe('trigger');
    const { attempts, writes } = await finish();
    expect(attempts).toBeGreaterThanOrEqual(4);
    // The application went on writing behind the waiting statement, try after try.
    expect(writes).toBeGreaterThan(attempts);
    expect(await presentTriggers(backfill.pool, await backfill.target())).toHaveLength(3);
  });

  it('says who to look for where the table is never free', async () => {
    await open();
    const { installing, holder, finish } = await behindALongTransaction(2, () => Promise.resolve());
    await expect(installing).rejects.toMatchObject({ code: 'SYNC_LOCKED', retryable: true });
    await holder.query('ROLLBACK');
    holder.release();
    await finish();
    expect(await presentTriggers(backfill.pool, await backfill.target())).toEqual([]);
  });

  it('without the right to a trigger: a sweep, said by doctor, the ledger and status; asked for by name: refused', async () => {
    await open();
    const { pool, config, env } = backfill;
    const role = `owner_${process.pid}`;
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'a-test-password'`);
    try {
      await pool.query(
        `GRANT CREATE ON DATABASE ${new URL(config.settings.database.url).pathname.slice(1)} TO ${role}`,
      );
      await pool.query(`GRANT ALL ON SCHEMA public TO ${role}`);
      await pool.query(`ALTER TABLE docs OWNER TO ${role}`);
      await pool.query(`REVOKE TRIGGER ON docs FROM ${role}`);
      const url = new URL(config.settings.database.url);
      url.username = role;
      url.password = 'a-test-password';
      const mine = { ...env, DATABASE_URL: url.href, QUEUE_URL: config.settings.queue };
      const doctor = await runCommand('doctor', ['--json'], mine);
      expect(doctor.json()).toMatchObject({
        findings: expect.arrayContaining([
          expect.objectContaining({ check: 'sync', level: 'warn', option: 'sync.mode' }),
        ]) as unknown,
      });
      const refused = await runCommand('enqueue', ['--json', '--sync-mode', 'trigger'], mine);
      expect(refused.code).toBe(2);
      expect(refused.stdout + refused.stderr).toContain('may not create a trigger');
      expect(await runCommand('enqueue', ['--json'], mine)).toMatchObject({ code: 0 });
      const events = await pool.query(
        `SELECT level, message FROM pgvector_backfill.event WHERE kind = 'sync.mode'`,
      );
      expect(events.rows).toEqual([
        { level: 'warn', message: expect.stringContaining('sweep: this user may not') as string },
      ]);
      const status = await runCommand('status', ['--json'], mine);
      expect(status.json()).toMatchObject({
        sync: {
          mode: 'sweep',
          pending: 0,
          oldestSeconds: null,
          reason: expect.stringContaining('trigger') as string,
        },
      });
      await pool.query(`GRANT TRIGGER ON docs TO ${role}`);
      expect(await runCommand('enqueue', ['--json'], mine)).toMatchObject({ code: 0 });
      expect(await backfill.snapshot()).toMatchObject({ sync: { mode: 'trigger', reason: '' } });
    } finally {
      const client = new pg.Client(config.settings.database.url);
      await client.connect();
      await client.query(
        `REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP OWNED BY ${role}; DROP ROLE ${role}`,
      );
      await client.end();
    }
  });
});
