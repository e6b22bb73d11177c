/** Whoever works for a run that is no longer the newest, or was planned for something else, writes nothing. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../../src/config/load.ts';
import { cutoverGate } from '../../../src/cutover/cutover-gate.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../../../src/db/transaction.ts';
import type { Embedder } from '../../../src/embedding/embedder.ts';
import { accountFor } from '../../../src/ledger/rows/accounting.ts';
import { claimBatch, lockBatch } from '../../../src/ledger/batch/batch.ts';
import { closeFence } from '../../../src/ledger/run/fence.ts';
import { progressSnapshot } from '../../../src/ledger/progress/snapshot.ts';
import { quarantineRows } from '../../../src/ledger/rows/quarantine.ts';
import { createRun, type Run } from '../../../src/ledger/run/run.ts';
import { moveRun, supersedeRuns } from '../../../src/ledger/run/move-run.ts';
import { targetOfRun } from '../../../src/ledger/run/run-target.ts';
import { scopeDifference, scopeOf } from '../../../src/ledger/run/scope.ts';
import { syncState } from '../../../src/ledger/changes/drain-lease.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { processBatch } from '../../../src/pipeline/process-batch.ts';
import { dueRun } from '../../../src/planning/due-run.ts';
import { planRun } from '../../../src/planning/plan.ts';
import { retry } from '../../../src/planning/retry.ts';
import { drainChanges } from '../../../src/sync/drain-changes.ts';
import { assertPlannedOptions } from '../../../src/verify/checks/run.ts';
import { verify } from '../../../src/verify/verify.ts';
import { databases, hasPostgres, type TestDatabase } from '../../setup/databases.ts';
import { hashEmbedder, runAll, type RunResult } from '../../setup/whole-run.ts';

const ROWS = 20;

/** Another model: the same length, the other way. */
const otherEmbedder = (): Embedder => {
  const own = hashEmbedder();
  return {
    ...own,
    fingerprint: 'e'.repeat(64),
    embed: async (texts, options) => {
      const made = await own.embed(texts, options);
      return { ...made, vectors: made.vectors.map((part) => -part) };
    },
  };
};

describe.each(databases())('the fence of a run on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let result: RunResult;
  let config: Config;

  const configure = (options: Record<string, string>): Promise<Config> =>
    loadConfig({
      flags: {},
      env: {
        DATABASE_URL: database.databaseUrl,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'title',
        BACKFILL_BATCH_ROWS: '10',
        ...options,
      },
      cwd: '/',
    });

  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 6, logger: silentLogger });
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, title text, body text)');
    await pool.query(
      `INSERT INTO docs SELECT n, 'title ' || n, 'body ' || n FROM generate_series(1, ${ROWS}) n`,
    );
    await migrate(pool);
    config = await configure({});
    result = await runAll(pool, config, hashEmbedder());
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  const vectors = async (): Promise<unknown> =>
    (await pool.query(`SELECT md5(string_agg(id || embedding::text, ',' ORDER BY id)) FROM docs`)).rows;

  /** Run 2, of another model, from its plan to its last batch. */
  async function supersede(): Promise<Run> {
    const embedder = otherEmbedder();
    const { target } = result.context;
    const { fingerprint, model, dimensions } = embedder;
    const run = await createRun(pool, 'docs', { fingerprint, model, dimensions, batchRows: 10 });
    await supersedeRuns(pool, 'docs', run.id);
    await planRun(pool, target, run, { batchRows: 10, limitRows: null, resuming: true, fingerprint });
    await moveRun(pool, run.id, ['planned'], 'running', '');
    for (const number of [1, 2]) await processBatch({ ...result.context, embedder }, run, number);
    return run;
  }

  /** An embedder of run 1 that is overtaken by run 2 while it works; and the vectors as run 2 has left them. */
  function overtaken(): { embedder: Embedder; left: () => unknown } {
    const own = hashEmbedder();
    let left: unknown = null;
    const embed: Embedder['embed'] = async (texts, options) => {
      await supersede();
      left = await vectors();
      return own.embed(texts, options);
    };
    return { embedder: { ...own, embed }, left: () => left };
  }

  const expectOther = async (left: unknown): Promise<void> => {
    expect(left).not.toBeNull();
    expect(await vectors()).toEqual(left);
    expect(await accountFor(pool, result.context.target, otherEmbedder().fingerprint)).toMatchObject({
      eligible: ROWS,
      embedded: ROWS,
      stale: 0,
    });
  };

  it('a batch that was held while a newer run came writes nothing', async () => {
    await pool.query(`UPDATE docs SET title = 'edited ' || id WHERE id <= 10`);
    await pool.query(`UPDATE pgvector_backfill.batch SET state = 'pending' WHERE number = 1`);
    const { embedder, left } = overtaken();
    expect(await processBatch({ ...result.context, embedder }, result.run, 1)).toEqual({ kind: 'not-done' });
    await expectOther(left());
  });

  it('nor does a drain of changes', async () => {
    await pool.query(`UPDATE docs SET title = 'edited ' || id WHERE id <= 10`);
    const { embedder, left } = overtaken();
    expect(await drainChanges({ ...result.context, embedder }, result.run)).toEqual({ kind: 'busy' });
    await expectOther(left());
  });

  // The embedded server has one session for all, in which nobody waits.
  it.runIf(hasPostgres())(
    'a newer run waits for a write that is under way, and a write that waited finds it',
    async () => {
      await pool.query(`UPDATE pgvector_backfill.batch SET state = 'pending' WHERE number = 1`);
      const batch = await claimBatch(pool, result.run.uid, 1);
      if (batch === null) throw new Error('the batch cannot be claimed');
      await inTransaction(pool, LEDGER_LIMITS, async (writer) => {
        expect(await lockBatch(writer, batch)).toBe(true);
        const closing = inTransaction(pool, { ...LEDGER_LIMITS, lockTimeoutMs: 100, tries: 1 }, (client) =>
          closeFence(client, 'docs'),
        );
        await expect(closing).rejects.toMatchObject({ code: '55P03' });
      });
      const [waiting] = await inTransaction(pool, LEDGER_LIMITS, async (client) => {
        await closeFence(client, 'docs');
        const held = inTransaction(pool, LEDGER_LIMITS, (writer) => lockBatch(writer, batch));
        const waits = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
        await expect.poll(async () => (await pool.query(waits)).rowCount).toBe(1);
        await createRun(client, 'docs', { fingerprint: 'e', model: 'e', dimensions: 8, batchRows: 10 });
        return [held];
      });
      expect(await waiting).toBe(false);
    },
  );

  it('options that decide about rows are those of the run, and what differs is named', async () => {
    const other = await configure({
      BACKFILL_TEXT: 'title,body',
      BACKFILL_WHERE: 'id < 5',
      BACKFILL_MODEL_QUERY_PREFIX: 'query: ',
    });
    const { settings, target } = await targetOfRun(pool, result.run, other.settings);
    expect(scopeOf(settings)).toEqual(result.run.scope);
    expect(target).toMatchObject({ text: result.context.target.text, where: '(true)' });
    const difference =
      'text was ["title"], is ["title","body"]; where was nothing, is "id < 5"; model.queryPrefix was nothing, is "query: "';
    expect(scopeDifference(result.run.scope, other.settings)).toBe(difference);
    const openEmbedder = async (): Promise<Embedder> => hashEmbedder();
    const { checks } = await verify({
      ...result.context,
      settings: other.settings,
      run: result.run,
      openEmbedder,
    });
    expect(checks.find(({ name }) => name === 'options')).toMatchObject({
      passed: false,
      detail: expect.stringContaining(difference) as string,
    });
    expect(() => assertPlannedOptions(result.run, other.settings)).toThrow(difference);
    await moveRun(pool, result.run.id, ['running', 'verifying'], 'ready', '');
    const ready = { ...result.run, state: 'ready' } as const;
    expect((await cutoverGate(pool, target, ready, other.settings)).reason).toContain(difference);
    // Of searches alone: no row has to be embedded again for it.
    const wanted = { target, fingerprint: result.run.fingerprint, limitRows: null };
    expect(await dueRun(pool, result.run, { ...wanted, settings: other.settings })).toBe(
      'the configuration changed: text was ["title"], is ["title","body"]; where was nothing, is "id < 5"',
    );
    const prefixed = await configure({ BACKFILL_MODEL_QUERY_PREFIX: 'query: ' });
    expect(await dueRun(pool, result.run, { ...wanted, settings: prefixed.settings })).toBeNull();
  });

  it('a table that was replaced under its name is not written to, and everybody says so', async () => {
    const { context, run } = result;
    await pool.query(`BEGIN; CREATE TABLE docs_new (LIKE docs INCLUDING ALL); INSERT INTO docs_new SELECT * FROM docs;
      ALTER TABLE docs RENAME TO docs_old; ALTER TABLE docs_new RENAME TO docs; COMMIT`);
    const said = 'another table stands under the name "public"."docs"';
    expect((await progressSnapshot(pool, 'docs')).table).toContain(said);
    await expect(targetOfRun(pool, run, config.settings)).rejects.toMatchObject({ code: 'TABLE_REPLACED' });
    const { checks } = await verify({ ...context, run, openEmbedder: async () => hashEmbedder() });
    expect(checks.find(({ name }) => name === 'table')).toMatchObject({ passed: false });
    const ready = { ...run, state: 'ready' } as const;
    expect((await cutoverGate(pool, context.target, ready, config.settings)).reason).toContain(said);
    const found = await pool.query<{ oid: string }>(`SELECT 'docs'::regclass::oid::text AS oid`);
    const target = { ...context.target, oid: found.rows[0]?.oid ?? '' };
    const wanted = { target, settings: config.settings, fingerprint: run.fingerprint, limitRows: null };
    expect(await dueRun(pool, run, wanted)).toBe('another table stands under the name public.docs');
  });

  it('nor one that has got children by inheritance, unless the condition tells them apart', async () => {
    await pool.query('CREATE TABLE docs_child () INHERITS (docs)');
    expect((await progressSnapshot(pool, 'docs')).table).toContain('rows of docs_child are rows of');
    await expect(targetOfRun(pool, result.run, config.settings)).rejects.toMatchObject({
      code: 'TABLE_REPLACED',
    });
    await pool.query(
      `UPDATE pgvector_backfill.run SET scope = scope || '{"where": "tableoid = ''docs''::regclass"}'`,
    );
    expect((await progressSnapshot(pool, 'docs')).table).toBeNull();
  });

  it('no batch of a run that is completed is left to nobody', async () => {
    await moveRun(pool, result.run.id, ['running'], 'completed', '');
    const completed = { ...result.run, state: 'completed' } as const;
    const wanted = {
      target: result.context.target,
      settings: config.settings,
      fingerprint: result.run.fingerprint,
      limitRows: null,
    };
    expect(await dueRun(pool, completed, wanted)).toBeNull();
    // What was quarantined is tried again by sync, as long as that was kept.
    await quarantineRows(pool, 'docs', { run: result.run.id, number: 1 }, [
      { key: '3', class: 'row', reason: 'unreadable', textHash: Buffer.alloc(32) },
    ]);
    const asked = {
      pool,
      settings: config.settings,
      run: completed,
      queue: null as never,
      quarantined: true,
    };
    expect(await retry(asked)).toMatchObject({ batches: 0, rows: 1, enqueued: 0 });
    expect((await syncState(pool, 'docs')).pending).toBe(1);
    expect(await dueRun(pool, completed, wanted)).toBeNull();
    await pool.query(`UPDATE pgvector_backfill.batch SET state = 'staged' WHERE number = 1`);
    expect(await dueRun(pool, completed, wanted)).toContain('is completed, and left rows');
  });
});
