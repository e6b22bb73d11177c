/** Rows that a role does not see would get no vector, and nobody would count them. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import pg from 'pg';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { TABLE_LIMITS, inTransaction } from '../../src/db/transaction.ts';
import { migrate } from '../../src/db/migrate.ts';
import { accountForGate } from '../../src/ledger/rows/accounting.ts';
import { readThrottle } from '../../src/ledger/progress/throttle-state.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { deleteOrphans } from '../../src/ledger/rows/orphans.ts';
import { diagnose } from '../../src/planning/doctor.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { createDocs } from '../setup/docs-table.ts';
import { dropRole, hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { drainChanges } from '../../src/sync/drain-changes.ts';
import { sweepAll } from '../../src/sync/sweep-missed-rows.ts';
import type { Throttle } from '../../src/throttle/throttle.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';
import { applicationPool } from '../setup/application-pool.ts';

describe.runIf(hasPostgres())('row-level security', () => {
  const role = `reader_${process.pid}`;
  let database: TestDatabase;
  let pool: Pool;
  let mine: Pool;
  let asApplication: pg.Pool;
  beforeEach(async () => {
    database = await realDatabase(undefined, { bare: true });
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await createDocs(pool, 10, `'text ' || n`);
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'a-test-password'`);
    const url = new URL(database.databaseUrl);
    await pool.query(`GRANT CREATE ON DATABASE ${url.pathname.slice(1)} TO ${role}`);
    await pool.query(`GRANT ALL ON SCHEMA public TO ${role}`);
    await pool.query(`ALTER TABLE docs OWNER TO ${role}`);
    await pool.query('CREATE POLICY few ON docs USING (id < 5)');
    await pool.query('ALTER TABLE docs ENABLE ROW LEVEL SECURITY');
    url.username = role;
    url.password = 'a-test-password';
    mine = createPool(url.href, { name: 'test', max: 4, logger: silentLogger, table: 'docs' });
    asApplication = applicationPool(url.href, 1);
  });
  afterEach(async () => {
    await Promise.all([mine.end(), pool.end(), asApplication.end()]);
    await database.drop();
    await dropRole(database.databaseUrl, role);
  });

  const config = (): Promise<Config> =>
    loadConfig({
      flags: { table: 'docs', text: 'body', 'batch-rows': '5' },
      env: { DATABASE_URL: database.databaseUrl },
      cwd: '/',
    });

  async function findings(db: Pool): Promise<Finding[]> {
    const { backfill, settings } = await config();
    const openEmbedder = (): Promise<ReturnType<typeof hashEmbedder>> => Promise.resolve(hashEmbedder());
    const found = await diagnose({ pool: db, backfill, settings, openEmbedder, withQueue: false });
    return found.findings.filter(({ level, check }) => level === 'error' || check === 'row-security');
  }
  const visible = async (): Promise<number> =>
    (await asApplication.query('SELECT 1 FROM docs')).rowCount ?? 0;

  it('blocks where it applies, also to an owner on whom it is forced; a policy of its own lets the role pass', async () => {
    expect(await findings(pool)).toEqual([]);
    expect(await findings(mine)).toEqual([]);
    await pool.query('ALTER TABLE docs FORCE ROW LEVEL SECURITY');
    expect(await visible()).toBe(4);
    const [blocked, ...others] = await findings(mine);
    expect(others).toEqual([]);
    expect(blocked).toMatchObject({ level: 'error', check: 'row-security', option: 'database' });
    expect(blocked?.message).toContain(role);
    // A superuser is not subject to it.
    expect(await findings(pool)).toEqual([]);
    const remedy = /(CREATE POLICY) … (ON .+)\.$/.exec(blocked?.remedy ?? '') ?? [];
    await pool.query(`${remedy[1]} backfill ${remedy[2]}`);
    expect(await visible()).toBe(10);
    expect(await findings(mine)).toEqual([]);
    await pool.query('CREATE POLICY less ON docs AS RESTRICTIVE USING (id < 5)');
    expect(await visible()).toBe(4);
    expect(await findings(mine)).toMatchObject([{ check: 'row-security', level: 'error' }]);
  });

  /** Everything that would take a hidden row for a deleted one. */
  const kept = async (): Promise<unknown> =>
    (
      await pool.query(`SELECT (SELECT count(*)::int FROM pgvector_backfill.docs_embedding_stage) AS staged,
        (SELECT count(*)::int FROM pgvector_backfill.change) AS changes, (SELECT count(embedding)::int FROM docs) AS embedded`)
    ).rows[0];

  it('that comes after the run was begun stops whoever counts, reads or deletes, holds the workers, and loses nothing', async () => {
    await migrate(mine);
    const result = await runAll(mine, await config(), hashEmbedder(), { index: false });
    const { context, run } = result;
    expect(await result.account()).toMatchObject({ eligible: 10, embedded: 10 });
    await pool.query(`UPDATE docs SET body = 'another text' WHERE id IN (2, 8)`);
    await pool.query(`INSERT INTO docs VALUES (11, 'a row of another tenant')`);
    const before = { staged: 10, changes: 3, embedded: 10 };
    expect(await kept()).toEqual(before);
    await pool.query('ALTER TABLE docs FORCE ROW LEVEL SECURITY');
    const refused = { code: 'ROW_SECURITY' };
    await expect(result.account()).rejects.toMatchObject(refused);
    await expect(
      accountForGate(mine, context.target, run.fingerprint, { lower: null, upper: null }),
    ).rejects.toMatchObject(refused);
    await expect(drainChanges(context, run)).rejects.toMatchObject(refused);
    await expect(sweepAll({ pool: mine, target: context.target, run })).rejects.toMatchObject(refused);
    await expect(deleteOrphans(mine, context.target, { lower: null, upper: null })).rejects.toMatchObject(
      refused,
    );
    await pool.query(`UPDATE pgvector_backfill.batch SET state = 'staged'`);
    // One that has looked a moment before.
    const throttle = Object.create(context.throttle, {
      pass: { value: () => Promise.resolve(true) },
    }) as Throttle;
    await expect(processBatch({ ...context, throttle }, run, 1)).rejects.toMatchObject(refused);
    expect(await kept()).toEqual(before);
    expect(await context.throttle.holdsNow()).toBe(true);
    expect(await readThrottle(mine, run.backfill)).toMatchObject({
      state: 'hold',
      reason: expect.stringContaining('Row-level security of "docs" applies to') as unknown,
    });
    // A policy that shows this role all rows, and no other change: on it goes.
    await pool.query(`CREATE POLICY backfill ON docs TO ${role} USING (true)`);
    expect(await context.throttle.holdsNow()).toBe(false);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 11, embedded: 11 });
  });

  it('that comes between the opening of a transaction and its statement lets nothing be written or told', async () => {
    await pool.query('ALTER TABLE docs FORCE ROW LEVEL SECURITY');
    await pool.query(`CREATE POLICY backfill ON docs TO ${role} USING (true)`);
    const refused = { code: 'ROW_SECURITY', message: expect.stringContaining('"docs"') as string };
    const hide = (): Promise<unknown> =>
      pool.query('CREATE POLICY less ON docs AS RESTRICTIVE USING (id < 5)');
    const show = (): Promise<unknown> => pool.query('DROP POLICY less ON docs');
    const count = (client: Pick<Pool, 'query'>): Promise<unknown> =>
      client.query<{ n: number }>('SELECT count(*)::int AS n FROM docs').then(({ rows }) => rows[0]?.n);
    const took = inTransaction(mine, { ...TABLE_LIMITS, tries: 1 }, async (client) => {
      await hide();
      await client.query(`UPDATE docs SET body = 'hidden' WHERE id < 100`);
      return count(client);
    });
    await expect(took).rejects.toMatchObject(refused);
    await show();
    expect(await inTransaction(mine, TABLE_LIMITS, count)).toBe(10);
    expect((await pool.query(`SELECT 1 FROM docs WHERE body = 'hidden'`)).rowCount).toBe(0);

    // One statement by itself, held back between the two.
    expect(await count(mine)).toBe(10);
    const client = await mine.connect();
    const send = client.query.bind(client) as (...asked: unknown[]) => Promise<unknown>;
    let hidden = false;
    let before = Promise.resolve();
    const holdBack = async (sql: unknown): Promise<void> => {
      if (hidden || !String(sql).includes('count(*)')) return;
      hidden = true;
      await hide();
    };
    client.query = ((...asked: unknown[]) => {
      before = before.then(() => holdBack(asked[0]));
      return before.then(() => send(...asked));
    }) as typeof client.query;
    client.release();
    await expect(count(mine)).rejects.toMatchObject(refused);
    client.query = send as typeof client.query;
    await show();
    expect(await count(mine)).toBe(10);
  });
});
