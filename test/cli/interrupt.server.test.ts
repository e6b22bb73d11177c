/** Ctrl-C: the first is obeyed at once and says so, whatever a verb waits for; nothing of it is left in the database. */

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { startVerb, type Surroundings } from '../setup/command.ts';
import { databases, hasPostgres } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';

/** Sessions of the verb, or its databases, that are still there. */
const LEFT = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgvector-backfill ' || $1`;
const WAITING = `${LEFT} AND wait_event_type = 'Lock'`;

describe.runIf(hasPostgres()).each(databases())('interrupted on $name', ({ create }) => {
  let backfill: TestBackfill;
  beforeAll(async () => {
    backfill = await openBackfill(await create(), sampleModel(), {
      BACKFILL_TABLE: 'articles',
      BACKFILL_TEXT: 'title',
    });
    await backfill.pool.query(
      `CREATE TABLE articles (id bigint PRIMARY KEY, title text);
       INSERT INTO articles SELECT n, 'flat tyre of a bicycle ' || n FROM generate_series(1, 50) n`,
    );
    await backfill.enqueue();
    await backfill.work();
  });
  afterAll(() => backfill.close());
  const countOf = async (sql: string, verb: string): Promise<number> =>
    (await backfill.pool.query<{ n: number }>(sql, [verb])).rows[0]?.n ?? 0;

  it.each(['doctor', 'enqueue', 'verify', 'search'])('%s, behind a lock', async (verb) => {
    const holder = await backfill.pool.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE articles IN ACCESS EXCLUSIVE MODE');
      const running = startVerb(verb, verb === 'search' ? ['tyre'] : [], backfill.env);
      await until(`${verb} waits for the lock`, async () => (await countOf(WAITING, verb)) > 0);
      running.interrupt();
      await running.waitFor(/^Interrupted: ending what is under way\. Ctrl-C again ends it at once\.$/);
      const { code, forced } = await running.ended;
      expect({ code, forced }).toEqual({ code: 130, forced: undefined });
      await until(`${verb} has left nothing`, async () => (await countOf(LEFT, verb)) === 0);
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
  });

  it.each(['enqueue', 'worker'])('%s, while the model loads', async (verb) => {
    let loads = (): void => {};
    const loading = new Promise<void>((resolve) => (loads = resolve));
    const never: Surroundings['openEmbedder'] = () => {
      loads();
      return new Promise(() => {});
    };
    const file = join(tmpdir(), `health-${process.pid}-${verb}`);
    const env = { ...backfill.env, BACKFILL_HEALTH_FILE: file };
    const running = startVerb(verb, [], env, { openEmbedder: never });
    await loading;
    // A model may take long to come: who waits for it is alive. Of other verbs nobody looks for a heartbeat.
    expect(existsSync(file)).toBe(verb === 'worker');
    running.interrupt();
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^Interrupted: /m);
    expect(stderr).not.toMatch(/error/);
    expect(existsSync(file)).toBe(false);
  });

  it('bench drops its database', async () => {
    const named = `SELECT count(*)::int AS n FROM pg_database WHERE datname = 'pgvector_backfill_' || $1 || '_${process.pid}'`;
    const running = startVerb('bench', ['write', '--rows', '50000'], backfill.env);
    await until('its database is there', async () => (await countOf(named, 'bench')) > 0);
    running.interrupt();
    expect((await running.ended).code).toBe(130);
    await until('its database is gone', async () => (await countOf(named, 'bench')) === 0);
  });

  it('twice, and it ends at once', async () => {
    const running = startVerb('worker', [], { ...backfill.env, BACKFILL_LOG_LEVEL: 'info' });
    await running.waitFor(/worker started/);
    running.interrupt();
    expect(() => running.interrupt()).toThrow('the process would end here');
    expect((await running.ended).code).toBe(130);
  });
});
