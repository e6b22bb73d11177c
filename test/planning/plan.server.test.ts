import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createRun, findRun, type Run } from '../../src/ledger/run/run.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { applyDdl, missingDdl } from '../../src/planning/ddl.ts';
import { planRun, previewPlan, type PlanOptions } from '../../src/planning/plan.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';

interface Batch {
  number: number;
  lower: string | null;
  upper: string | null;
  rows: number;
  state: string;
}

/** The connection breaks behind the commit of the plan's first page, before its answer. */
function withLostCommit(pool: Pool): Pool {
  let isPlan = false;
  let isLost = false;
  const connect = async (): Promise<unknown> => {
    const client = await pool.connect();
    const query = client.query.bind(client) as (...asked: unknown[]) => Promise<unknown>;
    const breaking = async (...asked: unknown[]): Promise<unknown> => {
      const answer = await query(...asked);
      isPlan ||= String(asked[0]).includes('SET plan_cursor');
      if (!isPlan || isLost || asked[0] !== 'COMMIT') return answer;
      isLost = true;
      throw new Error('Connection terminated unexpectedly');
    };
    return Object.assign(client, { query: breaking });
  };
  return new Proxy(pool, {
    get: (of, name) => (name === 'connect' ? connect : (Reflect.get(of, name) as unknown)),
  });
}

const LARGEST = 9_223_372_036_854_775_807n;

describe.each(databases())('a plan on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let target: Target;
  beforeAll(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await migrate(pool);
    await pool.query('CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text)');
    target = await describeTarget(pool, 'articles', await makeSettings());
    await applyDdl(pool, target, 3);
    target = await describeTarget(pool, 'articles', await makeSettings());
    await saveBackfill(pool, target, {});
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  async function fill(keys: readonly bigint[]): Promise<void> {
    await pool.query('TRUNCATE articles');
    await pool.query(`INSERT INTO articles (id, title) SELECT k, 'text' FROM unnest($1::bigint[]) k`, [keys]);
  }
  async function plan(changes: Partial<PlanOptions> = {}): Promise<{ run: Run; batches: Batch[] }> {
    const options = { batchRows: 3, limitRows: null, resuming: false, fingerprint: 'f', ...changes };
    const { batchRows } = options;
    const { uid } = await createRun(pool, 'articles', {
      fingerprint: 'f',
      model: 'm',
      dimensions: 3,
      batchRows,
    });
    const created = (await findRun(pool, uid)) as Run;
    await planRun(pool, target, created, options);
    const run = (await findRun(pool, uid)) as Run;
    const found = await pool.query<Batch>(
      `SELECT number, lower_key AS lower, upper_key AS upper, rows::int AS rows, state FROM pgvector_backfill.batch WHERE run = $1 ORDER BY number`,
      [run.id],
    );
    return { run, batches: found.rows };
  }
  const within = (key: bigint, { lower, upper }: Batch): boolean =>
    (lower === null || key >= BigInt(lower)) && (upper === null || key < BigInt(upper));

  it('puts each key, of now and of later, into exactly one batch of the wanted size', async () => {
    const key = fc.bigInt({ min: -LARGEST - 1n, max: LARGEST });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.oneof(key, fc.bigInt({ min: -20n, max: 20n })), { maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        key,
        async (keys, batchRows, resuming, later) => {
          await fill(keys);
          const { run, batches } = await plan({ batchRows, resuming });
          expect(run).toMatchObject({
            rowsPlanned: keys.length,
            // What comes to an empty table needs a place, too.
            batchesPlanned: Math.max(1, Math.ceil(keys.length / batchRows)),
            plannedAt: expect.any(Date) as Date,
          });
          expect(batches.map((batch) => batch.number)).toEqual(batches.map((_, at) => at + 1));
          for (const batch of batches) {
            const inside = keys.filter((each) => within(each, batch)).length;
            expect(inside).toBe(batch.rows);
            if (batch !== batches.at(-1)) expect(inside).toBe(batchRows);
          }
          if (keys.length === 0) expect(batches).toMatchObject([{ rows: 0, state: 'merged' }]);
          expect(batches.filter((batch) => within(later, batch))).toHaveLength(1);
          expect(
            await previewPlan(pool, target, { batchRows, limitRows: null, resuming, fingerprint: 'f' }),
          ).toEqual({ rows: keys.length, batches: batches.length });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('a canary ends where the next row begins, and stands open where there is none', async () => {
    await fill([-5n, 1n, 2n, 3n, 9n]);
    expect((await plan({ limitRows: 4 })).batches).toMatchObject([
      { lower: null, upper: '3', rows: 3 },
      { lower: '3', upper: '9', rows: 1 },
    ]);
    expect((await plan({ limitRows: 4, batchRows: 10 })).batches).toMatchObject([
      { lower: null, upper: '9', rows: 4 },
    ]);
    await fill([1n, LARGEST]);
    expect((await plan({ limitRows: 2, batchRows: 1 })).batches).toMatchObject([
      { lower: null, upper: String(LARGEST) },
      { lower: String(LARGEST), upper: null },
    ]);
  });

  it('goes on where a planner that was killed stood', async () => {
    await fill([1n, 2n, 3n, 4n, 5n, 6n, 7n]);
    const { run, batches } = await plan({ limitRows: 6 });
    expect(batches).toHaveLength(2);
    await pool.query('UPDATE pgvector_backfill.run SET planned_at = NULL WHERE id = $1', [run.id]);
    await planRun(
      pool,
      target,
      { ...((await findRun(pool, run.uid)) as Run), plannedAt: null },
      {
        batchRows: 3,
        limitRows: null,
        resuming: false,
        fingerprint: 'f',
      },
    );
    expect(await findRun(pool, run.uid)).toMatchObject({ rowsPlanned: 7, batchesPlanned: 3 });
    const ranges = await pool.query(
      'SELECT lower_key, upper_key FROM pgvector_backfill.batch WHERE run = $1 ORDER BY number',
      [run.id],
    );
    expect(ranges.rows).toEqual([
      { lower_key: null, upper_key: '4' },
      { lower_key: '4', upper_key: '7' },
      { lower_key: '7', upper_key: null },
    ]);
  });

  it('that another process has moved on, or whose commit was not heard of, is not written twice', async () => {
    await fill([1n, 2n, 3n, 4n, 5n, 6n, 7n]);
    const facts = { batchRows: 3, limitRows: null, resuming: false, fingerprint: 'f' };
    const rangesOf = async ({ id }: Run): Promise<unknown> =>
      (
        await pool.query(
          'SELECT number, lower_key AS lower, upper_key AS upper, rows::int AS rows FROM pgvector_backfill.batch WHERE run = $1 ORDER BY 1',
          [id],
        )
      ).rows;
    const whole = [
      { number: 1, lower: null, upper: '4', rows: 3 },
      { number: 2, lower: '4', upper: '7', rows: 3 },
      { number: 3, lower: '7', upper: null, rows: 1 },
    ];
    const create = (): Promise<Run> =>
      createRun(pool, 'articles', { fingerprint: 'f', model: 'm', dimensions: 3, batchRows: 3 });
    const frozen = await create();
    await planRun(pool, target, frozen, facts);
    await expect(planRun(pool, target, frozen, facts)).rejects.toMatchObject({ code: 'PLAN_OVERTAKEN' });
    expect(await rangesOf(frozen)).toEqual(whole);

    const unheard = await create();
    await expect(planRun(withLostCommit(pool), target, unheard, facts)).rejects.toMatchObject({
      code: 'PLAN_OVERTAKEN',
    });
    expect(await rangesOf(unheard)).toEqual(whole);
    expect(await findRun(pool, unheard.uid)).toMatchObject({ rowsPlanned: 7, batchesPlanned: 3 });
  });

  it('closes the batches in which nothing is to do, and only those', async () => {
    await fill([1n, 2n, 3n, 4n]);
    await pool.query(`UPDATE articles SET title = '  ' WHERE id < 3`);
    const { batches } = await plan({ batchRows: 2, resuming: true });
    expect(batches).toMatchObject([
      { rows: 2, state: 'merged' },
      { rows: 2, state: 'pending' },
    ]);
    expect((await plan({ batchRows: 2 })).batches.map((batch) => batch.state)).toEqual([
      'pending',
      'pending',
    ]);
  });

  it('takes only the rows of the condition', async () => {
    await fill([1n, 2n, 3n, 4n, 5n]);
    const odd = await describeTarget(pool, 'articles', await makeSettings({ where: 'id % 2 = 1 OR false' }));
    // As PostgreSQL has understood it: each name is found, whatever the path.
    expect(odd.names.where?.raw).toBe('id % 2 = 1 OR false');
    expect(odd.where).toBe(`(${odd.names.where?.sql})`);
    expect(
      await previewPlan(pool, odd, { batchRows: 2, limitRows: null, resuming: false, fingerprint: 'f' }),
    ).toEqual({ rows: 3, batches: 2 });
  });

  it('needs no DDL a second time, and says which where there is none yet', async () => {
    expect(await missingDdl(pool, target, 3)).toEqual([]);
    expect(await applyDdl(pool, target, 3)).toEqual([]);
    await pool.query('CREATE TABLE "Odd ""Name""" ("No" smallint PRIMARY KEY, t text)');
    const odd = await describeTarget(
      pool,
      'odd',
      await makeSettings({ table: '"Odd ""Name"""', key: 'No', text: 't', column: 'Vec' }),
    );
    expect(odd).toMatchObject({
      key: [{ name: 'No', type: 'smallint', width: 2 }],
      indexName: 'Odd "Name"_Vec_hnsw_idx',
    });
    const { vectorPrefix } = odd;
    expect(await missingDdl(pool, odd, 3)).toEqual([
      {
        sql: `ALTER TABLE "public"."Odd ""Name""" ADD COLUMN IF NOT EXISTS "Vec" ${vectorPrefix}vector(3), ADD COLUMN IF NOT EXISTS "Vec_updated_at" timestamptz`,
        locksTable: true,
        adds: ['Vec', 'Vec_updated_at'],
      },
      {
        sql: `CREATE TABLE IF NOT EXISTS "pgvector_backfill"."Odd ""Name""_Vec_stage" ("No" smallint PRIMARY KEY, embedding ${vectorPrefix}vector(3) NOT NULL, text_hash bytea NOT NULL, batch integer NOT NULL, staged_at timestamptz NOT NULL DEFAULT now(), truncated boolean NOT NULL DEFAULT false, adopted boolean NOT NULL DEFAULT false)`,
        locksTable: false,
        makes: '"pgvector_backfill"."Odd ""Name""_Vec_stage"',
      },
    ]);
    expect(await applyDdl(pool, odd, 3)).toHaveLength(2);
    expect(await missingDdl(pool, odd, 3)).toEqual([]);
  });
});
