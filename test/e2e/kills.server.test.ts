/**
 * A worker killed at each step of a batch, and what else ends in the middle: another worker ends up with the same table.
 * Each step is held by a lock of the test's, so that the kill falls where it is meant to.
 */

import { beforeAll, describe, expect, inject, it } from 'vitest';
import pg from 'pg';
import { createDocs } from '../setup/docs-table.ts';
import { REPEATED_TEXTS, TO_BE_KILLED, openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { startCommand, type RunningCommand } from '../setup/command.ts';
import { hasRedis, realDatabase } from '../setup/databases.ts';
import { holdAt, letGo, untilHeld } from '../setup/held-statements.ts';
import { sampleModel } from '../setup/model.ts';
import { startProxy } from '../setup/proxy.ts';
import { FakeServer, fine, items, json } from '../embedding/endpoint/fake-server.ts';
import { until } from '../setup/until.ts';

const ROWS = 1000;
const DOOMED = { times: TO_BE_KILLED };

describe.runIf(hasRedis()).concurrent('killed', { timeout: 240_000 }, () => {
  const model = sampleModel();
  let digest: string;
  beforeAll(async () => {
    const undisturbed = await filled({});
    await undisturbed.enqueue();
    await undisturbed.work();
    await expectWhole(undisturbed);
    digest = await undisturbed.vectorDigest();
    await undisturbed.close();
  });

  async function filled(
    options: Record<string, string>,
    redisUrl = inject('redisUrl') ?? '',
  ): Promise<TestBackfill> {
    const backfill = await openBackfill(await realDatabase(redisUrl), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      ...REPEATED_TEXTS,
      BACKFILL_BATCH_ROWS: '100',
      BACKFILL_LOG_LEVEL: 'info',
      ...options,
    });
    await createDocs(
      backfill.pool,
      ROWS,
      `(ARRAY['bread dough yeast', 'bicycle tyre puncture', 'kitten sleeps', 'mortgage interest', 'guitar strings'])[1 + n % 5] || ' ' || (n % 11)`,
    );
    return backfill;
  }

  async function expectWhole(backfill: TestBackfill, expected?: string): Promise<void> {
    expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS, stale: 0, missing: 0 });
    expect(await backfill.snapshot()).toMatchObject({
      state: 'ready',
      rows: { eligible: ROWS, embedded: ROWS, quarantined: 0 },
      index: { valid: true },
    });
    const { rows } = await backfill.pool.query(
      'SELECT count(*)::int AS n FROM pg_index i WHERE indrelid = $1::regclass AND NOT indisprimary',
      [(await backfill.target()).store.table],
    );
    expect(rows).toEqual([{ n: 1 }]);
    if (expected !== undefined) expect(await backfill.vectorDigest()).toBe(expected);
  }

  async function kill(worker: RunningCommand): Promise<void> {
    worker.child.kill('SIGKILL');
    await worker.ended;
  }

  it.each([
    ['while it copies into the staging table', 'INSERT', 'pgvector_backfill.docs_embedding_stage'],
    ['while it merges, with the vectors staged', 'UPDATE', 'docs'],
    ['while it merges beside the table', 'INSERT', 'docs_embedding'],
    ['while it closes the batch, with the rows merged', 'UPDATE OF merged_at', 'pgvector_backfill.batch'],
    ['while it takes the batch', 'UPDATE OF token', 'pgvector_backfill.batch'],
  ])('%s', async (_name, when, table) => {
    const backfill = await filled({ BACKFILL_STORE: table === 'docs_embedding' ? 'table' : 'column' });
    await backfill.enqueue();
    const holder = await holdAt(backfill.env, when, table);
    const worker = startCommand('worker', [], backfill.env, DOOMED);
    await untilHeld(holder);
    await kill(worker);
    await holder.query(`DROP FUNCTION held CASCADE`).catch(() => {});
    await letGo(holder);
    await backfill.pool.query(`DROP FUNCTION IF EXISTS held CASCADE`);
    await backfill.work();
    await expectWhole(backfill, digest);
    await backfill.close();
  });

  it('after the batch is merged, before its job is completed', async () => {
    const redis = await startProxy(() => inject('redisUrl') ?? '');
    const backfill = await filled({ BACKFILL_CONCURRENCY: '1', BACKFILL_BATCH_ROWS: String(ROWS) });
    await backfill.enqueue();
    const holder = await holdAt(backfill.env, 'UPDATE OF merged_at', 'pgvector_backfill.batch');
    const worker = startCommand('worker', [], { ...backfill.env, QUEUE_URL: redis.url }, DOOMED);
    await untilHeld(holder);
    // From here on the worker hears nothing of its queue, so that the job cannot be completed.
    redis.hold();
    await letGo(holder);
    await until('the batch is merged', async () => (await backfill.snapshot()).batches.merged > 0);
    await kill(worker);
    await redis.close();
    await backfill.pool.query(`DROP FUNCTION held CASCADE`);
    expect((await backfill.snapshot()).state).toBe('running');
    await backfill.work();
    await expectWhole(backfill, digest);
    await backfill.close();
  });

  it('while it embeds; and a frozen one that wakes up behind another writes nothing', async () => {
    const server = await FakeServer.start();
    const backfill = await filled({
      BACKFILL_MODEL_ENDPOINT: `${server.origin}/v1`,
      BACKFILL_MODEL_NAME: 'remote',
      BACKFILL_CONCURRENCY: '1',
      BACKFILL_BATCH_ROWS: String(ROWS),
      BACKFILL_MODEL_REQUEST_TEXTS: '2000',
    });
    await backfill.enqueue();
    const wrong: (() => void)[] = [];
    /** Embeds the probe; leaves rows without an answer, and gives a wrong one when it is told to. */
    server.behave((asked, response, nth) => {
      if (asked.texts.length === 1) return fine(asked, response, nth);
      wrong.push(() => json(response, { data: items(asked.texts, () => [1, 2, 3, 4]) }));
    });
    const killed = startCommand('worker', [], backfill.env, DOOMED);
    while (wrong.length === 0) await server.arrival();
    await kill(killed);
    const frozen = startCommand('worker', [], backfill.env, DOOMED);
    while (wrong.length === 1) await server.arrival();
    frozen.child.kill('SIGSTOP');
    server.behave(fine);
    await backfill.work();
    const vectors = await backfill.vectorDigest();
    for (const answer of wrong) answer();
    frozen.child.kill('SIGCONT');
    await frozen.waitFor(/a job is another worker/);
    frozen.child.kill('SIGTERM');
    const { stderr } = await frozen.ended;
    // Said once, however many calls of it speak of that job; and nothing that sounds like a fault.
    const ofLock = /renew lock|Missing lock|not in the active state|Lock mismatch/;
    const told = stderr.split('\n').filter((line) => ofLock.test(line) && line.includes('docs-embed'));
    expect(told).toEqual([expect.stringContaining('a job is another worker')]);
    expect(stderr).not.toMatch(/"level":40.*"queueName"|queue connection/);
    expect(await backfill.vectorDigest()).toBe(vectors);
    await expectWhole(backfill);
    await backfill.close();
    await server.close();
  });

  it('while it builds the index', async () => {
    const backfill = await filled({});
    await backfill.enqueue();
    const writer = new pg.Client({ connectionString: backfill.env['DATABASE_URL'] });
    await writer.connect();
    // The build waits for transactions that were there before it.
    const worker = startCommand('worker', [], backfill.env, DOOMED);
    await worker.waitFor(/batch merged/);
    await writer.query('BEGIN');
    await writer.query(`INSERT INTO docs VALUES (-1, NULL)`);
    const builds = async (): Promise<{ pid: number; oid: string }[]> =>
      (
        await backfill.pool.query<{ pid: number; oid: string }>(
          `SELECT pid, index_relid::text AS oid FROM pg_stat_progress_create_index
            WHERE datname = current_database() AND index_relid <> 0`,
        )
      ).rows;
    const held = await until('the index is being built', async () => {
      const found = await builds();
      return found.length > 0 && found;
    });
    await kill(worker);
    await backfill.pool.query(`UPDATE pgvector_backfill.run SET index_blockers = '[]'`);
    const second = backfill.work();
    // The server goes on with the build of the first; the second finds that, and says whom it waits for.
    await until('the second worker says whom the build waits for', async () => {
      expect(await builds()).toEqual(held);
      return (await backfill.snapshot()).index.blockers.length > 0;
    });
    await writer.query('ROLLBACK');
    await writer.end();
    await second;
    await expectWhole(backfill, digest);
    const { rows } = await backfill.pool.query(
      `SELECT indexrelid::text AS oid FROM pg_index WHERE indrelid = 'docs'::regclass AND NOT indisprimary`,
    );
    expect(rows).toEqual([{ oid: held[0]?.oid }]);
    await backfill.close();
  });

  it('the producer in mid-plan: the next one plans the rest', async () => {
    const backfill = await filled({ BACKFILL_BATCH_ROWS: '10' });
    // Between the DDL and the plan.
    const holder = await holdAt(backfill.env, 'INSERT', 'pgvector_backfill.batch');
    const first = startCommand('enqueue', [], backfill.env);
    await untilHeld(holder);
    await kill(first);
    await letGo(holder);
    await backfill.pool.query('DROP FUNCTION held CASCADE');
    expect((await backfill.enqueue()).batches).toBe(ROWS / 10);
    await backfill.work();
    await expectWhole(backfill, digest);
    await backfill.close();
  });

  it('by a second signal, at once; by the deadline, with what is in flight left to others', async () => {
    const backfill = await filled({ BACKFILL_DRAIN_SECONDS: '1' });
    await backfill.enqueue();
    const holder = await holdAt(backfill.env, 'UPDATE', 'docs');
    const impatient = startCommand('worker', [], { ...backfill.env, BACKFILL_DRAIN_SECONDS: '600' }, DOOMED);
    await untilHeld(holder);
    impatient.child.kill('SIGTERM');
    await impatient.waitFor(/draining/);
    impatient.child.kill('SIGTERM');
    expect((await impatient.ended).code).toBe(130);
    const slow = startCommand('worker', ['--json'], backfill.env, DOOMED);
    await slow.waitFor(/worker started/);
    await until('two sessions wait for locks', async () => {
      const { rowCount } = await holder.query(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return (rowCount ?? 0) >= 2;
    });
    slow.child.kill('SIGTERM');
    const { code, json: result } = await slow.ended;
    expect(code).toBe(1);
    expect(result()).toMatchObject({ drained: false });
    await letGo(holder);
    await backfill.pool.query('DROP FUNCTION held CASCADE');
    await backfill.work();
    await expectWhole(backfill, digest);
    await backfill.close();
  });

  it('the network between worker and database: cut, then silent', async () => {
    const proxy = await startProxy(() => inject('postgresUrl') ?? '');
    const backfill = await filled({ BACKFILL_BATCH_ROWS: '50' });
    await backfill.enqueue();
    const through = new URL(backfill.env['DATABASE_URL'] ?? '');
    const { port, hostname } = new URL(proxy.url);
    through.port = port;
    through.hostname = hostname;
    // A worker that is done before the cut would have nothing to say of it.
    const holder = await holdAt(backfill.env, 'UPDATE', 'docs');
    const worker = startCommand('worker', ['--exit-when-done'], {
      ...backfill.env,
      DATABASE_URL: through.href,
    });
    await untilHeld(holder);
    proxy.cut();
    await worker.waitFor(/batch not merged/);
    await letGo(holder);
    await backfill.pool.query('DROP FUNCTION held CASCADE');
    proxy.resume();
    await until('three batches are merged', async () => (await backfill.snapshot()).batches.merged >= 3);
    proxy.hold();
    const before = (await backfill.snapshot()).batches.merged;
    proxy.resume();
    await until('the run goes on', async () => {
      const { state, batches } = await backfill.snapshot();
      return state !== 'running' || batches.merged > before;
    });
    expect((await worker.ended).code).toBe(0);
    await expectWhole(backfill, digest);
    // One attempt each: a server that is away costs none.
    const { rows } = await backfill.pool.query(
      `SELECT count(*)::int AS n FROM pgvector_backfill.batch WHERE state = 'failed'`,
    );
    expect(rows).toEqual([{ n: 0 }]);
    await proxy.close();
    await backfill.close();
  });
});
