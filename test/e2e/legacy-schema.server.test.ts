/** The way back to the table as it was found. */

import { afterEach, describe, expect, inject, it } from 'vitest';
import { planSchemaRollback } from '../../src/cutover/schema-rollback.ts';
import { runSteps, type PlannedStep } from '../../src/cutover/planned-steps.ts';
import type { Queues } from '../../src/cutover/wait-until-idle.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { FakeServer, fine } from '../embedding/endpoint/fake-server.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { catalogState } from '../setup/catalog.ts';
import { runCommand, startVerb, type CommandResult } from '../setup/command.ts';
import { backends, hasPostgres, hasRedis, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

const model = sampleModel();
let backfill: TestBackfill;
afterEach(() => backfill.close());

async function open(database: TestDatabase, options: Record<string, string> = {}): Promise<void> {
  backfill = await openBackfill(database, model, {
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'body',
    BACKFILL_BATCH_ROWS: '20',
    ...options,
  });
  const { pool } = backfill;
  await pool.query(
    `CREATE TABLE docs (id bigint PRIMARY KEY, body text NOT NULL DEFAULT 'nothing', lang text CHECK (lang <> ''), seen int DEFAULT 0)`,
  );
  await pool.query('CREATE INDEX docs_lang_idx ON docs (lang)');
  await pool.query(`COMMENT ON COLUMN docs.lang IS 'of the text'`);
  await pool.query(
    `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.seen := OLD.seen; RETURN NEW; END $$`,
  );
  await pool.query(
    'CREATE TRIGGER docs_touch BEFORE UPDATE OF lang ON docs FOR EACH ROW EXECUTE FUNCTION touch()',
  );
  await pool.query(
    `INSERT INTO docs SELECT n, 'bread ' || (ARRAY['garden', 'winter', 'guitar'])[1 + n % 3] || ' ' || n, 'en' FROM generate_series(1, 60) n`,
  );
}
const rollback = (...args: string[]): Promise<CommandResult> =>
  runCommand('rollback', ['--to-legacy-schema', '--json', ...args], backfill.env);
const cutOver = (): Promise<CommandResult> =>
  runCommand('cutover', ['--to', 'vector', '--execute', '--json'], backfill.env);

describe.each(backends().filter(({ name }) => name !== 'PostgreSQL alone'))(
  'rollback --to-legacy-schema on $name',
  ({ create }) => {
    it('prints what it would do, leaves the table as it was found, and can be done again', async () => {
      await open(await create({ bare: true }));
      const { pool } = backfill;
      const before = await catalogState(pool, 'docs');
      await backfill.enqueue();
      await backfill.work();
      expect((await cutOver()).code).toBe(0);
      const moved = await catalogState(pool, 'docs');

      const printed = await rollback();
      expect({ code: printed.code, stderr: printed.stderr }).toEqual({ code: 0, stderr: '' });
      const { plan } = printed.json() as { plan: string[] };
      for (const part of [
        'read mode vector → legacy',
        'DROP TRIGGER IF EXISTS "pgvector_backfill_capture_row"',
        'DROP FUNCTION IF EXISTS "public"."search_docs"',
        'DROP INDEX CONCURRENTLY IF EXISTS "public"."docs_embedding_hnsw_idx";',
        'DROP COLUMN IF EXISTS "embedding", DROP COLUMN IF EXISTS "embedding_updated_at";',
        'DROP TABLE IF EXISTS "pgvector_backfill"."docs_embedding_stage";',
        'DROP SCHEMA pgvector_backfill',
      ])
        expect(plan.some((line) => line.includes(part))).toBe(true);
      expect(await catalogState(pool, 'docs')).toEqual(moved);

      const done = await rollback('--execute', '--reason', 'another plan');
      expect(done.json()).toMatchObject({
        action: 'rollback',
        from: 'vector',
        to: 'legacy-schema',
        executed: true,
        reason: 'another plan',
      });
      expect(await catalogState(pool, 'docs')).toEqual(before);
      expect((await rollback('--execute')).json()).toMatchObject({ from: 'legacy-schema', plan: [] });

      // And over again, as if it had never been here.
      const again = await backfill.enqueue();
      expect(again.enqueued).toBe(3);
      expect(await backfill.work()).toMatchObject({ state: 'ready', rows: { embedded: 60 } });
    });
  },
);

describe.runIf(hasPostgres())('rollback --to-legacy-schema', () => {
  it('keeps what was there before: columns of the operator, other backfills, the extension', async () => {
    await open(await realDatabase(undefined, { bare: true }));
    const { pool, env } = backfill;
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query(`ALTER TABLE docs ADD COLUMN embedding vector(${model.dimensions})`);
    await pool.query('CREATE TABLE others (id bigint PRIMARY KEY, body text)');
    const before = await catalogState(pool, 'docs');
    const other = { ...env, BACKFILL_TABLE: 'others' };
    expect((await runCommand('enqueue', ['--json'], other)).code).toBe(0);
    const withOther = await catalogState(pool, 'docs');
    await backfill.enqueue();
    await backfill.work();
    const done = await rollback('--execute');
    expect(done.json()).toMatchObject({
      executed: true,
      notes: expect.arrayContaining([expect.stringContaining('embedding stays')]) as unknown,
    });
    const after = await catalogState(pool, 'docs');
    // The vectors that were written into the operator's own column stay in it.
    await pool.query('UPDATE docs SET embedding = NULL');
    expect({ ...after, rows: (await catalogState(pool, 'docs'))['rows'] }).toEqual(withOther);
    expect(after['columns']).toEqual(before['columns']);
    const ledger = await pool.query('SELECT name FROM pgvector_backfill.backfill');
    expect(ledger.rows).toEqual([{ name: 'others' }]);
    const events = await pool.query(
      `SELECT kind FROM pgvector_backfill.event WHERE backfill = 'docs' ORDER BY id DESC LIMIT 1`,
    );
    expect(events.rows).toEqual([{ kind: 'backfill.removed' }]);
    expect((await runCommand('status', ['--json'], other)).code).toBe(0);
  });

  it('goes on where it was cut off, whichever step that was', async () => {
    await open(await realDatabase(undefined, { bare: true }));
    const { pool, config } = backfill;
    const before = await catalogState(pool, 'docs');
    const plan = async (queues: Queues): Promise<PlannedStep[]> =>
      planSchemaRollback([
        { pool, target: await backfill.target(), settings: config.settings, queues, reason: '' },
      ]);
    for (let cut = 1, all = cut; cut <= all; cut++) {
      await backfill.enqueue();
      await backfill.work();
      const address = await prepareQueues(config, pool, silentLogger);
      await withQueues(address, async (queues) => {
        const steps = await plan(queues);
        all = steps.length - 1;
        await runSteps(steps.slice(0, cut));
        await runSteps(await plan(queues));
      });
      expect(await catalogState(pool, 'docs')).toEqual(before);
    }
  });

  it('drops an index that was cut off in its drop, and gives way to whoever holds the table', async () => {
    await open(await realDatabase(undefined, { bare: true }));
    const { pool } = backfill;
    const before = await catalogState(pool, 'docs');
    await backfill.enqueue();
    await backfill.work();
    await pool.query(
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'docs_embedding_hnsw_idx'::regclass`,
    );
    const holder = await pool.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT * FROM docs LIMIT 1');
    const running = startVerb('rollback', ['--to-legacy-schema', '--execute', '--json'], backfill.env);
    try {
      // The application goes on while the rollback waits for its turn.
      for (;;) {
        const waiting = await pool.query(
          `SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.application_name LIKE 'pgvector-backfill rollback%' AND a.datname = current_database()`,
        );
        await pool.query(`UPDATE docs SET lang = 'en' WHERE id = 1`);
        if (waiting.rowCount !== 0) break;
      }
    } finally {
      await holder.query('COMMIT');
      holder.release();
    }
    expect((await running.ended).code).toBe(0);
    expect(await catalogState(pool, 'docs')).toEqual(before);
  });

  it('says what depends on a column, changes nothing of it, and ends once that is gone', async () => {
    await open(await realDatabase(undefined, { bare: true }));
    const { pool } = backfill;
    const before = await catalogState(pool, 'docs');
    await backfill.enqueue();
    await backfill.work();
    await pool.query('CREATE VIEW with_vectors AS SELECT id, embedding FROM docs');
    const refused = await rollback('--execute');
    expect({ code: refused.code, json: refused.json() }).toMatchObject({
      code: 3,
      json: { error: { code: 'OBJECT_IN_USE', message: expect.stringContaining('depend') as string } },
    });
    await pool.query('DROP VIEW with_vectors');
    expect((await rollback('--execute')).code).toBe(0);
    expect(await catalogState(pool, 'docs')).toEqual(before);
  });
});

describe.runIf(hasRedis())('rollback --to-legacy-schema beside workers', () => {
  it('does not pull the table from under a batch in flight', async () => {
    const server = await FakeServer.start();
    await open(await realDatabase(inject('redisUrl') ?? '', { bare: true }), {
      BACKFILL_MODEL_ENDPOINT: `${server.origin}/v1`,
      BACKFILL_MODEL_NAME: 'remote',
      BACKFILL_LOG_LEVEL: 'info',
    });
    const { pool } = backfill;
    const before = await catalogState(pool, 'docs');
    await backfill.enqueue();
    const held: (() => void)[] = [];
    server.behave((asked, response, nth) => {
      if (asked.texts.length === 1) fine(asked, response, nth);
      else held.push(() => fine(asked, response, nth));
    });
    const worker = startVerb('worker', [], backfill.env);
    while (held.length === 0) await server.arrival();
    const busy = await rollback('--execute', '--drain-seconds', '1');
    expect({ code: busy.code, json: busy.json() }).toMatchObject({
      code: 3,
      json: { error: { code: 'WORKERS_BUSY' } },
    });
    expect(await backfill.snapshot()).toMatchObject({ state: 'paused', sync: { mode: 'off' } });
    const columns = await pool.query('SELECT embedding FROM docs LIMIT 1');
    expect(columns.rowCount).toBe(1);
    const going = startVerb('rollback', ['--to-legacy-schema', '--execute', '--json'], backfill.env);
    server.behave(fine);
    for (const letGo of held) letGo();
    expect((await going.ended).code).toBe(0);
    worker.interrupt();
    await worker.ended;
    await server.close();
    expect(await catalogState(pool, 'docs')).toEqual(before);
  });
});
