/** Rows that the table refuses, and what is no fault of a row: sorted, and nothing else is touched. */

import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import { createDocs } from '../setup/docs-table.ts';
import { REPEATED_TEXTS, openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases, hasPostgres } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { drainChanges } from '../setup/synced.ts';

const ROWS = 300;

const model = sampleModel();

// Takes the embedded server, several times slower, too long: a machine without real servers leaves it out, and says so.
describe.runIf(hasPostgres()).each(databases())('rows and faults on $name', ({ create }) => {
  let backfill: TestBackfill;
  let queueUrl: string;
  beforeEach(async () => {
    const database = await create();
    ({ queueUrl } = database);
    backfill = await openBackfill(database, model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      ...REPEATED_TEXTS,
      BACKFILL_BATCH_ROWS: '100',
      BACKFILL_ATTEMPTS: '2',
      BACKFILL_LOG_LEVEL: 'trace',
      BACKFILL_INDEX_COVERAGE: '0.9',
    });
    await createDocs(
      backfill.pool,
      ROWS,
      `'bread dough yeast ' || (ARRAY['garden', 'winter', 'guitar'])[1 + n % 3] || ' planted' || n`,
    );
  });
  afterEach(() => backfill.close());

  const refuse = async (condition: string, what: string, table = 'docs', event = 'UPDATE'): Promise<void> => {
    await backfill.pool
      .query(`CREATE OR REPLACE FUNCTION refuse_some() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
        IF ${condition} THEN ${what}; END IF; RETURN NEW; END $f$`);
    await backfill.pool.query(
      `CREATE OR REPLACE TRIGGER refusing BEFORE ${event} ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse_some()`,
    );
  };
  const accounted = async (quarantined: number): Promise<void> => {
    expect(await backfill.account()).toEqual({
      eligible: ROWS,
      embedded: ROWS - quarantined,
      skipped: 0,
      quarantined,
      stale: 0,
      missing: 0,
      truncated: 0,
      adopted: 0,
      passages: 0,
    });
    expect((await backfill.snapshot()).rows).toMatchObject({
      eligible: ROWS,
      embedded: ROWS - quarantined,
      quarantined,
    });
  };
  const quarantine = async (): Promise<{ key: string; class: string; reason: string; attempts: number }[]> =>
    (
      await backfill.pool.query(
        'SELECT key, class, reason, attempts FROM pgvector_backfill.quarantine ORDER BY key::int',
      )
    ).rows as never;
  /** Everything that is kept or written about the run, but the table itself and its staging table. */
  async function traces(): Promise<string> {
    const { rows } = await backfill.pool.query<{ everything: string }>(
      `SELECT string_agg(everything::text, ' ') AS everything FROM (
         SELECT to_jsonb(q) FROM pgvector_backfill.quarantine q UNION ALL SELECT to_jsonb(b) FROM pgvector_backfill.batch b
         UNION ALL SELECT to_jsonb(e) FROM pgvector_backfill.event e UNION ALL SELECT to_jsonb(r) FROM pgvector_backfill.run r) t (everything)`,
    );
    const found = [rows[0]?.everything ?? ''];
    if (queueUrl.startsWith('redis')) {
      const redis = new Redis(queueUrl);
      const prefix = await installationId(backfill.pool);
      for await (const keys of redis.scanStream({ match: `*${prefix.slice(0, 8)}*` }) as AsyncIterable<
        string[]
      >)
        for (const key of keys)
          if ((await redis.type(key)) === 'hash') found.push(JSON.stringify(await redis.hgetall(key)));
      await redis.quit();
    }
    return found.join('\n');
  }

  it('a trigger that raises for some rows: those are quarantined without their text, the others go through', async () => {
    await backfill.enqueue();
    await refuse('NEW.id IN (3, 4, 150)', `RAISE EXCEPTION 'not this one: %', NEW.body`);
    const worker = await runCommand('worker', ['--exit-when-done'], backfill.env);
    expect(worker.code).toBe(0);
    await accounted(3);
    const rows = await quarantine();
    expect(rows.map(({ key }) => key)).toEqual(['3', '4', '150']);
    for (const row of rows) {
      expect(row).toMatchObject({ class: 'refused', attempts: 1 });
      expect(row.reason).toContain('P0001 raised by function public.refuse_some() line 2 at RAISE');
    }
    expect(`${worker.stdout}${worker.stderr}${await traces()}`).not.toContain('planted');

    const status = await runCommand('status', ['--json'], backfill.env);
    expect((status.json() as { quarantine: object[] }).quarantine).toHaveLength(3);
    expect((await runCommand('status', [], backfill.env)).stdout).toContain('retry --quarantined');

    // In vain, then with the cause repaired.
    const retried = await runCommand('retry', ['--quarantined', '--json'], backfill.env);
    expect(retried.json()).toMatchObject({ batches: 2, rows: 3, enqueued: 2 });
    await backfill.work();
    await accounted(3);
    expect((await quarantine()).map(({ attempts }) => attempts)).toEqual([2, 2, 2]);
    await backfill.pool.query('DROP TRIGGER refusing ON docs');
    expect((await runCommand('retry', ['--json'], backfill.env)).json()).toMatchObject({
      batches: 0,
      rows: 0,
    });
    await runCommand('retry', ['--quarantined'], backfill.env);
    await backfill.work();
    await accounted(0);
    expect(await quarantine()).toEqual([]);
  });

  it('a check constraint, and values that do not fit: named, never shown', async () => {
    await backfill.enqueue();
    await backfill.pool.query(
      'ALTER TABLE docs ADD CONSTRAINT not_the_tenth CHECK (id <> 10 OR embedding IS NULL), ADD CONSTRAINT short CHECK (true)',
    );
    await refuse('NEW.id = 20', 'PERFORM NEW.body::integer');
    await backfill.work();
    await accounted(2);
    const rows = await quarantine();
    expect(rows[0]?.reason).toContain('not_the_tenth');
    expect(rows[1]?.reason).toContain('22P02');
    expect(await traces()).not.toContain('planted');
  });

  it('an edited row that is refused keeps its former vector, and is counted as quarantined', async () => {
    await backfill.enqueue();
    await backfill.work();
    await backfill.pool.query(`UPDATE docs SET body = 'a mortgage with interest' WHERE id IN (5, 6)`);
    await backfill.pool.query(`UPDATE docs SET body = '' WHERE id = 7`);
    await refuse('NEW.id IN (5, 7)', `RAISE EXCEPTION 'no'`);
    await drainChanges(backfill);
    await accounted(2);
    expect((await quarantine()).map(({ key }) => key)).toEqual(['5', '7']);
  });

  it('a table that refuses every row stops the run with the remedy; no attempt is burnt', async () => {
    await backfill.enqueue();
    await refuse('true', `RAISE EXCEPTION 'closed'`);
    await backfill.work();
    const run = await backfill.run();
    expect(run.state).toBe('failed');
    expect(run.reason).toMatch(/refuses every row.*triggers and constraints/);
    const { rows } = await backfill.pool.query(
      'SELECT sum(attempts)::int AS attempts FROM pgvector_backfill.batch',
    );
    expect(rows).toEqual([{ attempts: 0 }]);
    await backfill.pool.query('DROP TRIGGER refusing ON docs');
    await runCommand('retry', ['--quarantined'], backfill.env);
    await backfill.work();
    await accounted(0);
  });

  it.each([
    ['a column that was dropped', 'ALTER TABLE docs DROP COLUMN embedding', 'embedding'],
    ['a table that was renamed', 'ALTER TABLE docs RENAME TO papers', 'docs'],
    [
      'a staging table that is gone',
      'DROP TABLE pgvector_backfill.docs_embedding_stage',
      'pgvector_backfill.docs_embedding_stage',
    ],
  ])('%s stops the run at once, and nothing is burnt', async (_name, sql, word) => {
    await backfill.enqueue();
    await backfill.pool.query(sql);
    await backfill.work();
    const run = await backfill.run();
    expect(run.state).toBe('failed');
    expect(run.reason).toContain(word);
    const { rows } = await backfill.pool.query(
      `SELECT sum(attempts)::int AS attempts, count(*) FILTER (WHERE state = 'failed')::int AS failed FROM pgvector_backfill.batch`,
    );
    expect(rows).toEqual([{ attempts: 0, failed: 0 }]);
  });

  it('most batches fail: the run pauses itself, says why, and goes on once that is repaired', async () => {
    await backfill.pool.query(
      `INSERT INTO docs SELECT n, 'bread ' || n FROM generate_series(${ROWS + 1}, 7000) n`,
    );
    await backfill.enqueue();
    // Where no row can be told from the others: of the staging, which takes a page as a whole.
    await refuse(
      'true',
      `RAISE EXCEPTION USING ERRCODE = 'XX001', MESSAGE = 'odd'`,
      'pgvector_backfill.docs_embedding_stage',
      'INSERT',
    );
    const paused = await backfill.work();
    expect(paused.state).toBe('paused');
    expect(paused.reason).toMatch(
      /5\d of the last 5\d batches failed, the last one because: SQLSTATE XX001 raised by function public\.refuse_some/,
    );
    expect(paused.batches.pending + paused.batches.staged).toBeGreaterThan(0);
    expect(paused.batches.failed).toBeLessThan(60);
    const { rows } = await backfill.pool.query(
      `SELECT count(*)::int AS n FROM pgvector_backfill.event WHERE kind = 'run.paused'`,
    );
    expect(rows).toEqual([{ n: 1 }]);
  });
});
