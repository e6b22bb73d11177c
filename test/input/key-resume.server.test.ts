/** Whatever the key: a planner and batches that are cut off at any statement, and begun again, leave the table as an undisturbed run does. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { accountFor } from '../../src/ledger/rows/accounting.ts';
import { createRun, findRun, type Run } from '../../src/ledger/run/run.ts';
import { moveRun } from '../../src/ledger/run/move-run.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { planRun } from '../../src/planning/plan.ts';
import { keyTextSql, legacyKey } from '../../src/table/key.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { KEY_SHAPES, keysOf, makeKeyTypes, shapedTable } from '../setup/key-shapes.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

class CutOff extends Error {}

/** As a process that is gone before its next statement: what it had begun is rolled back. */
function cutOff(pool: Pool, statements: number): Pool {
  let left = statements;
  const counted = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== 'function') return value;
        const bound = value.bind(object) as (...args: unknown[]) => unknown;
        if (name === 'connect') return async () => counted((await bound()) as object);
        if (name !== 'query') return bound;
        return (...args: unknown[]) => {
          // What the server does by itself when the connection of a process is gone.
          if (args[0] === 'ROLLBACK' || left-- > 0) return bound(...args);
          // Of COPY a stream comes back, and no promise.
          if (typeof args[0] === 'object' && args[0] !== null && 'submit' in args[0])
            throw new CutOff('cut off');
          return Promise.reject(new CutOff('cut off'));
        };
      },
    });
  return counted(pool);
}

const SHAPES = KEY_SHAPES.filter(({ name }) =>
  /^bigint|blind|many letters|citext before|scales before|opposite order$|one tenant|eight/.test(name),
);

describe.runIf(hasPostgres())('resuming', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    await makeKeyTypes(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it.each(SHAPES)('$name', async (shape) => {
    const { create, insert, lists } = shapedTable(shape);
    const { backfill, settings } = await loadConfig({
      flags: { table: 'docs', text: 'body', 'batch-rows': '5' },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
    const embedder = hashEmbedder();
    const keys = keysOf(shape, { minLength: 8, maxLength: 24 });
    const cuts = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(keys, cuts, async (given, after) => {
        await pool.query('DROP TABLE IF EXISTS docs, pgvector_backfill.docs_embedding_stage CASCADE');
        await pool.query('TRUNCATE pgvector_backfill.backfill CASCADE');
        for (const sql of create) await pool.query(sql);
        await pool.query(insert(`'text'`), lists(given));
        const target = await describeTarget(pool, backfill, settings);
        const text = keyTextSql(target, legacyKey(target));
        await pool.query(`UPDATE docs SET body = 'text ' || ${text}`);
        const digest = async (): Promise<unknown> =>
          (await pool.query(`SELECT ${text} AS key, embedding::text FROM docs ORDER BY ${text} COLLATE "C"`))
            .rows;
        const { context, run: first } = await runAll(pool, { backfill, settings } as never, embedder, {
          index: false,
        });
        const undisturbed = await digest();

        await pool.query('UPDATE docs SET embedding = NULL');
        await pool.query('TRUNCATE pgvector_backfill.docs_embedding_stage, pgvector_backfill.change');
        await pool.query('DELETE FROM pgvector_backfill.run WHERE id = $1', [first.id]);
        const facts = { fingerprint: embedder.fingerprint, model: 'hash', dimensions: 8, batchRows: 5 };
        const { uid, id } = await createRun(pool, backfill, { ...facts, scope: {}, tableOid: target.oid });
        const current = async (): Promise<Run> => (await findRun(pool, uid)) as Run;
        let turn = 0;
        // Each try gets a statement further than the one before, at least.
        const untilDone = async (work: (on: Pool) => Promise<unknown>): Promise<void> => {
          for (let tries = 0; ; tries++) {
            const cut = (after[turn++ % after.length] ?? 0) + tries;
            try {
              await work(cutOff(pool, cut));
              return;
            } catch (error) {
              if (!(error instanceof CutOff)) throw error;
            }
          }
        };
        // A canary of the first rows, then the rest.
        const rows = (undisturbed as unknown[]).length;
        for (const limitRows of [Math.ceil(rows / 3), null])
          await untilDone(async (on) =>
            planRun(on, context.target, await current(), { ...facts, limitRows, resuming: false }),
          );
        await moveRun(pool, id, ['planned'], 'running', '');
        const run = await current();
        expect(run.rowsPlanned).toBe(rows);
        for (let number = 1; number <= run.batchesPlanned; number++)
          await untilDone((on) => processBatch({ ...context, pool: on }, run, number));
        // It was cut off, and not only gone through.
        expect(turn).toBeGreaterThan(2 + run.batchesPlanned);
        expect(await digest()).toEqual(undisturbed);
        const account = await accountFor(pool, context.target, embedder.fingerprint);
        expect(account).toMatchObject({ eligible: run.rowsPlanned, embedded: run.rowsPlanned });
        const staged = await pool.query('SELECT 1 FROM pgvector_backfill.docs_embedding_stage');
        expect(staged.rowCount).toBe(run.rowsPlanned);
      }),
      { numRuns: 3 },
    );
  });
});
