/** Long documents in a whole run, by each policy, and what `status`, `doctor` and `verify` say of texts and model. */

import { afterEach, describe, expect, it } from 'vitest';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases, hasPostgres } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { drainChanges } from '../setup/synced.ts';

const model = sampleModel();

const SHORT_ROWS = 20;
const LONG_ROWS = 5;
const ROWS = SHORT_ROWS + LONG_ROWS + 1;

// Takes the embedded server, several times slower, too long: a machine without real servers leaves it out, and says so.
describe.runIf(hasPostgres()).each(databases())('long documents on $name', ({ create }) => {
  let backfill: TestBackfill;
  async function open(options: Record<string, string>): Promise<void> {
    backfill = await openBackfill(await create(), model, {
      BACKFILL_TABLE: 'public.docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '10',
      BACKFILL_MODEL_MAX_TOKENS: '32',
      BACKFILL_MODEL_CHUNK_OVERLAP: '4',
      ...options,
    });
    await createDocs(backfill.pool);
    await backfill.pool.query(
      `INSERT INTO docs
       SELECT n, repeat('bread dough yeast ', CASE WHEN n <= ${SHORT_ROWS} THEN 1 + n % 5 ELSE 400 END) || 'car oil'
         FROM generate_series(1, ${ROWS - 1}) n
       UNION ALL SELECT ${ROWS}, ' '`,
    );
    await backfill.enqueue();
  }
  afterEach(() => backfill.close());

  it('truncate: every row is embedded, and the cut ones are counted', async () => {
    // Without capture, which would see to the row that is added below.
    await open({ BACKFILL_SYNC_MODE: 'off' });
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      rows: { embedded: ROWS - 1, skipped: 1, quarantined: 0, truncated: LONG_ROWS },
    });
    const stored = await backfill.pool.query<{ truncated: number }>(
      'SELECT sum(truncated)::int AS truncated FROM pgvector_backfill.batch',
    );
    expect(stored.rows[0]?.truncated).toBe(LONG_ROWS);
    // Another run over the same rows embeds nothing, and still knows what was cut.
    await backfill.pool.query(`INSERT INTO docs VALUES (1000, 'bread')`);
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({ rows: { embedded: ROWS, truncated: LONG_ROWS } });
    expect((await backfill.account()).truncated).toBe(LONG_ROWS);
  });

  it('mean-of-chunks: every row is embedded as a whole, its end included', async () => {
    await open({ BACKFILL_MODEL_LONG_TEXT: 'mean-of-chunks', BACKFILL_MODEL_MAX_CHUNKS: '100' });
    await backfill.pool.query(
      `UPDATE docs SET body = repeat('bread dough yeast ', 400) || repeat('car oil engine ', 400) WHERE id = ${ROWS - 1}`,
    );
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      rows: { embedded: ROWS - 1, skipped: 1, quarantined: 0, truncated: 0 },
    });
    // Half of it is about cars: far from the documents that are not.
    const apart = await backfill.pool.query<{ alike: number; unlike: number }>(
      `SELECT a.embedding <=> b.embedding AS alike, a.embedding <=> c.embedding AS unlike
         FROM docs a, docs b, docs c WHERE a.id = ${SHORT_ROWS + 1} AND b.id = ${SHORT_ROWS + 2} AND c.id = ${ROWS - 1}`,
    );
    expect(apart.rows[0]?.alike).toBeLessThan(1e-6);
    expect(apart.rows[0]?.unlike).toBeGreaterThan(0.05);
  });

  it('skip: long rows are left without a vector by choice, and get one when they are shortened', async () => {
    await open({ BACKFILL_MODEL_LONG_TEXT: 'skip' });
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      rows: { eligible: ROWS, embedded: SHORT_ROWS, skipped: LONG_ROWS + 1, quarantined: 0, truncated: 0 },
      coverage: 1,
    });
    expect((await backfill.verify()).passed).toBe(true);
    expect((await backfill.enqueue()).enqueued).toBe(0);
    await backfill.pool.query(`UPDATE docs SET body = 'bread dough' WHERE id = ${SHORT_ROWS + 1}`);
    await drainChanges(backfill);
    expect(await backfill.account()).toMatchObject({ embedded: SHORT_ROWS + 1, skipped: LONG_ROWS });
  });

  it('fail: long rows are quarantined with the reason, the others go through', async () => {
    await open({ BACKFILL_MODEL_LONG_TEXT: 'fail', BACKFILL_INDEX_COVERAGE: '0.5' });
    expect(await backfill.work()).toMatchObject({
      rows: { embedded: SHORT_ROWS, skipped: 1, quarantined: LONG_ROWS },
    });
    const quarantined = await backfill.pool.query<{ reason: string; class: string }>(
      'SELECT DISTINCT reason, class FROM pgvector_backfill.quarantine',
    );
    expect(quarantined.rows).toEqual([
      { reason: 'the text is longer than the model reads, and model.longText is fail', class: 'row' },
    ]);
  });

  it('reads a batch of huge texts a part at a time', async () => {
    await open({ BACKFILL_MODEL_LONG_TEXT: 'mean-of-chunks', BACKFILL_MODEL_MAX_CHUNKS: '10000' });
    // 2 MB each may be read, 8 million characters are a page.
    await backfill.pool.query(
      `INSERT INTO docs SELECT 2000 + n, repeat('bread ', 350000) || n FROM generate_series(1, 7) n`,
    );
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({
      rows: { eligible: ROWS + 7, embedded: ROWS + 6, skipped: 1 },
      batches: { failed: 0 },
    });
  });

  it('is told in doctor, status and verify', async () => {
    await open({});
    const doctor = await runCommand('doctor', ['--json'], backfill.env);
    expect(doctor.code).toBe(0);
    const { findings } = doctor.json() as {
      findings: { check: string; level: string; measurements: object }[];
    };
    expect(findings.find(({ check }) => check === 'text-length')).toMatchObject({
      level: 'warn',
      option: 'model.longText',
      measurements: { sampled: ROWS - 1, maxTokens: 32, max: 1204, longerShare: LONG_ROWS / (ROWS - 1) },
    });
    await backfill.work();
    const status = async (env: Record<string, string> = {}): Promise<unknown> =>
      (await runCommand('status', ['--json'], { ...backfill.env, ...env })).json();
    expect(await status()).toMatchObject({
      rows: { truncated: LONG_ROWS },
      masked: {},
      model: { name: 'sample', drift: false, embedding: { 'model.longText': 'truncate' } },
    });
    expect(await status({ BACKFILL_MODEL_DOCUMENT_PREFIX: 'passage: ' })).toMatchObject({
      model: { drift: true, detail: expect.stringContaining('model.documentPrefix was "", is "passage: "') },
    });
    expect(await status({ BACKFILL_MODEL_LOCAL_PATH: '/nowhere' })).toMatchObject({ model: { drift: null } });

    const fresh = (checks: { name: string }[]): unknown => checks.find(({ name }) => name === 'freshness');
    expect(fresh((await backfill.verify()).checks)).toMatchObject({ passed: true, threshold: 1e-5 });
    await backfill.pool.query(
      `UPDATE docs SET embedding = (SELECT embedding FROM docs WHERE id = ${ROWS - 1}) WHERE id = 1`,
    );
    // As between staging and merge: the staged vector is of the text, the row's is not yet, and that is to be counted.
    const unmerged = (await backfill.verify()).checks;
    expect(fresh(unmerged)).toMatchObject({ passed: true });
    expect(unmerged.find(({ name }) => name === 'missing-rows')).toMatchObject({ passed: false, value: 1 });
    // A vector of another text that staging and table agree upon: nothing but embedding it again can tell.
    await backfill.pool.query(
      'UPDATE pgvector_backfill.docs_embedding_stage s SET embedding = d.embedding FROM docs d WHERE d.id = s.id',
    );
    const wrong = await backfill.verify();
    expect(wrong.passed).toBe(false);
    expect(wrong.checks.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(['freshness']);
  });
});
