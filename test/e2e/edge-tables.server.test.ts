import { afterEach, describe, expect, it } from 'vitest';
import { diagnose } from '../../src/planning/doctor.ts';
import { openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { databases, hasPostgres } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { hashEmbedder } from '../setup/whole-run.ts';
import { until } from '../setup/until.ts';

const model = sampleModel();

const TEXT = 'Change the oil of the car';

// Takes the embedded server, several times slower, too long: a machine without real servers leaves it out, and says so.
describe.runIf(hasPostgres()).each(databases())('unusual tables on $name', ({ create }) => {
  let backfill: TestBackfill;
  afterEach(() => backfill.close());

  /** `rows` is the select list of the table's content. */
  async function whole(
    keyType: string,
    rows: string,
    options: Record<string, string> = {},
  ): Promise<TestBackfill> {
    backfill = await openBackfill(await create(), model, {
      BACKFILL_TABLE: 'things',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '2',
      ...options,
    });
    await backfill.pool.query(`CREATE TABLE things (id ${keyType} PRIMARY KEY, body text)`);
    await backfill.pool.query(`INSERT INTO things (id, body) ${rows}`);
    await backfill.enqueue();
    return backfill;
  }

  const doctorsRows = async (): Promise<string | undefined> => {
    const { pool, config } = backfill;
    const openEmbedder = (): Promise<ReturnType<typeof hashEmbedder>> => Promise.resolve(hashEmbedder(48));
    const { findings } = await diagnose({ pool, ...config, openEmbedder, withQueue: false });
    return findings.find(({ check }) => check === 'rows')?.message;
  };
  const LATER = 'rows that come are embedded as they come, and the index and the gate follow';

  it('an empty table is not ready, and is so once rows have come', async () => {
    await whole('bigint', 'SELECT 1, NULL WHERE false', {
      BACKFILL_SYNC_SECONDS: '1',
      BACKFILL_VERIFY_RECALL: '0',
    });
    const { pool, config } = backfill;
    expect(await doctorsRows()).toContain('public.things has no row');
    const workers = await backfill.workers();
    try {
      expect(await untilSettled(pool, config.backfill)).toMatchObject({
        state: 'running',
        reason: `public.things has no row; ${LATER}`,
        rows: { eligible: 0 },
        coverage: 0,
        index: { name: null },
      });
      const { passed, checks } = await backfill.verify();
      expect(passed).toBe(false);
      expect(checks.filter((check) => !check.passed).map(({ name, detail }) => ({ name, detail }))).toEqual([
        { name: 'rows', detail: 'public.things has no row' },
        { name: 'index-valid', detail: 'things_embedding_hnsw_idx: there is no such index' },
      ]);
      // More than a batch, so that the batch of no rows is cut.
      await pool.query(`INSERT INTO things SELECT 2000 + n, '${TEXT} ' || n FROM generate_series(1, 9) n`);
      const ready = await until('the run is ready', async () => {
        const seen = await backfill.snapshot();
        return seen.state === 'ready' && seen.rows.eligible === 9 ? seen : null;
      });
      expect(ready).toMatchObject({ rows: { embedded: 9 }, coverage: 1, index: { valid: true } });
    } finally {
      await workers.drain();
    }
  });

  it('a condition that matches nothing is told as such', async () => {
    await whole('bigint', `SELECT n, '${TEXT}' FROM generate_series(1, 3) n`, {
      BACKFILL_WHERE: 'id > 1000',
    });
    const why = 'the option where matches no row of public.things';
    expect(await doctorsRows()).toContain(why);
    expect(await backfill.work()).toMatchObject({ state: 'running', reason: `${why}; ${LATER}` });
  });

  it('one row', async () => {
    await whole('bigint', `SELECT 1, '${TEXT}'`);
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      reason: '',
      rows: { eligible: 1, embedded: 1 },
    });
  });

  it('all texts NULL: every row is skipped and counted', async () => {
    await whole('bigint', 'SELECT n, NULL FROM generate_series(1, 5) n');
    expect(await backfill.work()).toMatchObject({
      state: 'running',
      reason: expect.stringMatching(/^no row has a vector: of 5 rows 5 have no text/) as string,
      rows: { eligible: 5, skipped: 5, embedded: 0 },
    });
  });

  it('texts of white space only are skipped; texts that the model cannot read are quarantined with the reason', async () => {
    await whole('bigint', `VALUES (1, E' \\t\\n'), (2, 'qzxv 8#~ ЖЖЖ'), (3, '${TEXT}')`, {
      BACKFILL_INDEX_COVERAGE: '0.5',
      BACKFILL_SYNC_MODE: 'off',
    });
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      reason: '',
      rows: { eligible: 3, skipped: 1, quarantined: 1, embedded: 1 },
    });
    const found = await backfill.pool.query(
      'SELECT key, class, reason, attempts FROM pgvector_backfill.quarantine',
    );
    expect(found.rows).toEqual([
      { key: '2', class: 'row', reason: 'no word of the text is known to the model', attempts: 1 },
    ]);
    // An edit takes the row out of quarantine again.
    await backfill.pool.query(`UPDATE things SET body = '${TEXT}' WHERE id = 2`);
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({ rows: { embedded: 2, quarantined: 0 } });
    expect((await backfill.pool.query('SELECT 1 FROM pgvector_backfill.quarantine')).rowCount).toBe(0);
  });

  it('negative keys and a gap of a thousand million', async () => {
    await whole(
      'bigint',
      `SELECT n, '${TEXT} ' || n FROM (VALUES (-7::bigint), (-1), (0), (3), (1000000003), (1000000004), (5000000000)) v (n)`,
    );
    expect((await backfill.run()).batchesPlanned).toBe(4);
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      reason: '',
      rows: { eligible: 7, embedded: 7 },
    });
  });

  it.each([
    ['smallint', -32_768n, 32_767n],
    ['integer', -2_147_483_648n, 2_147_483_647n],
    ['bigint', -9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n],
  ])('%s keys to both ends of the type', async (type, least, most) => {
    await whole(
      type,
      `VALUES ('${least}'::${type}, '${TEXT}'), (0, '${TEXT} again'), ('${most}'::${type}, '${TEXT}')`,
    );
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      reason: '',
      rows: { eligible: 3, embedded: 3 },
    });
    // A canary's last range has an end, and the type may have no key behind it.
    expect(await backfill.account()).toMatchObject({ missing: 0, stale: 0 });
  });

  it('names that need quotes, a text expression and a condition that use them', async () => {
    backfill = await openBackfill(await create(), model, {
      BACKFILL_TABLE: '"Odd ""schema"""."select"',
      BACKFILL_KEY: 'Key "one"',
      BACKFILL_TEXT: `sql:"select"."The Text" || ' car'`,
      BACKFILL_WHERE: `"from" <> 'no'`,
      BACKFILL_COLUMN: 'Vector Column',
      BACKFILL_UPDATED_AT_COLUMN: 'when?',
    });
    const { pool } = backfill;
    await pool.query('CREATE SCHEMA "Odd ""schema"""');
    await pool.query(
      `CREATE TABLE "Odd ""schema"""."select" ("Key ""one""" int PRIMARY KEY, "The Text" text, "from" text)`,
    );
    await pool.query(
      `INSERT INTO "Odd ""schema"""."select" VALUES (1, 'oil', 'yes'), (2, 'oil', 'no'), (3, NULL, 'yes')`,
    );
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      reason: '',
      rows: { eligible: 2, embedded: 1, skipped: 1 },
    });
    expect((await backfill.verify()).passed).toBe(true);
  });

  it('a legacy table whose columns are named like those of the staging table', async () => {
    backfill = await openBackfill(await create(), model, {
      BACKFILL_TABLE: 'things',
      BACKFILL_TEXT: 'text_hash',
      BACKFILL_WHERE: 'batch > 0',
      BACKFILL_COLUMN: 'vector',
    });
    await backfill.pool.query(
      'CREATE TABLE things (id int PRIMARY KEY, text_hash text, batch int, staged_at text, state text, key text)',
    );
    await backfill.pool.query(
      `INSERT INTO things (id, text_hash, batch) VALUES (1, '${TEXT}', 1), (2, '${TEXT}', 0)`,
    );
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      reason: '',
      rows: { eligible: 1, embedded: 1 },
    });
  });
});
