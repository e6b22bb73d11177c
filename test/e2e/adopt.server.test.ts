/** Vectors that are in the column before us: taken over where a sample agrees, and never where it does not. */

import { afterEach, describe, expect, it } from 'vitest';
import { claimBatch } from '../../src/ledger/batch/batch.ts';
import { adoptRows } from '../../src/pipeline/adopt-rows.ts';
import type { Check } from '../../src/verify/check.ts';
import { embeddedVectors } from '../setup/adopted-docs.ts';
import { openBackfill, REPEATED_TEXTS, type TestBackfill } from '../setup/backfill.ts';
import { catalogState } from '../setup/catalog.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { sharedEmbedder } from '../setup/embedder.ts';
import { pipelineContext } from '../setup/pipeline-context.ts';
import { sampleModel } from '../setup/model.ts';

const model = sampleModel();
let backfill: TestBackfill;
afterEach(() => backfill.close());

interface Adopted {
  run: string;
  enqueued: number;
  adoption: Record<string, unknown>;
}
interface Refused {
  error: {
    code: string;
    message: string;
    adoption: { disagreed: number; sampled: number; disagreements: { key: string; cosine: number }[] };
  };
}

const adopt = (...args: string[]): Promise<CommandResult> =>
  runCommand('enqueue', ['--adopt', '--json', ...args], backfill.env);

/** `docs` of so many rows whose vectors are there, by the very model. */
async function open(
  database: TestDatabase,
  rows: number,
  options: Record<string, string> = {},
  shape: { type?: string; key?: string } = {},
): Promise<void> {
  backfill = await openBackfill(database, model, {
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'title,body',
    BACKFILL_BATCH_ROWS: '40',
    ...REPEATED_TEXTS,
    ...options,
  });
  await embeddedVectors(backfill, model, rows, shape);
}

/** By key, where each row lies and which transaction wrote it. */
async function versions(): Promise<Map<string, string>> {
  const found = await backfill.pool.query<{ id: string; version: string }>(
    `SELECT id::text, concat(ctid, ' ', xmin) AS version FROM docs`,
  );
  return new Map(found.rows.map(({ id, version }) => [id, version]));
}

describe.runIf(hasPostgres())('enqueue --adopt', () => {
  it('takes over what agrees, embeds the rest, and writes to no row that it takes over', async () => {
    await open(await realDatabase(undefined, { bare: true }), 200, {
      BACKFILL_ADOPT_MAX_DISAGREEMENT: '0.03',
    });
    const { pool } = backfill;
    // Never made; of no direction; of another row; of a text from before; of no text; of another length.
    await pool.query(`UPDATE docs SET embedding = NULL WHERE id IN (3, 4);
      UPDATE docs SET embedding = array_fill(0, ARRAY[${model.dimensions}])::vector WHERE id = 5;
      UPDATE docs SET embedding = (SELECT embedding FROM docs WHERE id = 100) WHERE id = 6;
      UPDATE docs SET body = 'a puppy that bites the postman' WHERE id = 7;
      UPDATE docs SET title = '', body = '' WHERE id = 8;
      UPDATE docs SET embedding = (SELECT array_agg(2 * c) FROM unnest(embedding::real[]) c)::vector WHERE id = 9`);
    const before = await versions();
    const enqueued = await adopt();
    expect(enqueued).toMatchObject({ code: 0 });
    const { adoption } = enqueued.json() as Adopted;
    // 200 without 2 that have no vector, one of zeros, and one without text.
    expect(adoption).toMatchObject({
      agrees: true,
      sampled: 196,
      disagreed: 3,
      minAgreement: 0.999,
      mayDisagree: 0,
    });
    expect((adoption['disagreements'] as { key: string }[]).map(({ key }) => key).toSorted()).toEqual([
      '6',
      '7',
      '9',
    ]);
    // Written after the sample, by whoever uses the table: not what was there then.
    await pool.query(`UPDATE docs SET body = 'yeast and sourdough' WHERE id = 50`);
    await pool.query(`UPDATE docs SET embedding = embedding WHERE id = 51`);
    const settled = await backfill.work();
    const embedded = ['3', '4', '5', '6', '7', '9', '50', '51'];
    expect(settled).toMatchObject({
      state: 'ready',
      rows: { eligible: 200, embedded: 199, adopted: 199 - embedded.length, skipped: 1, quarantined: 0 },
      adoption: { sampled: 196, disagreed: 3 },
    });
    expect(await backfill.account()).toMatchObject({ embedded: 199, adopted: 191, stale: 0, missing: 0 });
    const after = await versions();
    const written = [...after].filter(([id, version]) => version !== before.get(id)).map(([id]) => id);
    expect(written.toSorted()).toEqual([...embedded, '8'].toSorted());
    const gate = await pool.query<{ checks: Check[] }>('SELECT checks FROM pgvector_backfill.verification');
    const checks = gate.rows[0]?.checks ?? [];
    expect(checks.find(({ name }) => name === 'adopted')).toMatchObject({ value: 191 });
    expect(checks.find(({ name }) => name === 'freshness')?.detail).toContain(
      'of them are adopted, 0 beyond 1.0e-3',
    );

    // Again: nothing new. Without the flag it is the same run, and a later edit is embedded by sync.
    const again = await adopt();
    expect(again.json()).toMatchObject({ run: (await backfill.run()).id, enqueued: 0 });
    const status = await runCommand('status', [], backfill.env);
    expect(status.stdout).toContain('adopted  191 of the embedded rows have the vector that was there on ');
  });

  it('changes nothing where the sample disagrees, and shows keys, cosines and a cause', async () => {
    await open(await realDatabase(undefined, { bare: true }), 120);
    const { pool } = backfill;
    await pool.query(`UPDATE docs SET embedding = (SELECT embedding FROM docs WHERE id = 100) WHERE id = 60`);
    const before = await catalogState(pool, 'docs');
    const refused = await adopt();
    expect(refused.code).toBe(3);
    const { error } = refused.json() as Refused;
    expect(error).toMatchObject({ code: 'ADOPT_DISAGREES', adoption: { sampled: 120, disagreed: 1 } });
    expect(error.message).toContain('the other vectors agree');
    expect(error.adoption.disagreements).toEqual([{ key: '60', cosine: expect.any(Number) as number }]);
    const said = await runCommand('enqueue', ['--adopt'], backfill.env);
    expect(said.stdout).toContain('key 60: 0.');
    expect(said.stdout).toContain('Nothing was changed');
    expect(await catalogState(pool, 'docs')).toEqual(before);
    const ledger = await pool.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'pgvector_backfill'`);
    expect(ledger.rowCount).toBe(0);
  });

  it('says why, where texts of another expression agree', async () => {
    await open(await realDatabase(undefined, { bare: true }), 60, { MADE_OF: 'title' });
    const refused = await adopt();
    expect(refused.code).toBe(3);
    expect((refused.json() as Refused).error.message).toContain('column "title" alone');
  });

  it('other dimensions are a disagreement, and a column without vectors is no column to take over', async () => {
    await open(await realDatabase(undefined, { bare: true }), 20);
    await backfill.pool.query('ALTER TABLE docs DROP COLUMN embedding');
    const nothing = await adopt();
    expect(nothing).toMatchObject({ code: 2 });
    expect(nothing.json()).toMatchObject({ error: { code: 'ADOPT_NOTHING' } });
    await backfill.pool.query('ALTER TABLE docs ADD COLUMN embedding vector(7)');
    expect((await adopt()).code).toBe(3);
  });

  it('goes on where a worker died, in half precision, by a key of two columns, with the index that is there', async () => {
    await open(
      await realDatabase(undefined, { bare: true }),
      120,
      { BACKFILL_COLUMN_TYPE: 'halfvec', BACKFILL_SYNC_MODE: 'off' },
      { type: 'halfvec', key: 'tenant, id' },
    );
    const { pool } = backfill;
    await pool.query('CREATE INDEX mine ON docs USING hnsw (embedding halfvec_cosine_ops)');
    await pool.query('CREATE INDEX other ON docs USING hnsw (embedding halfvec_l2_ops)');
    const before = await versions();
    const first = (await adopt('--rows', '80')).json() as Adopted;
    expect(first.adoption['indexes']).toMatchObject([
      { name: 'mine', taken: true },
      { name: 'other', taken: false },
    ]);
    const run = await backfill.run();
    const embedder = await sharedEmbedder(backfill.config.settings, 1);
    const context = await pipelineContext(backfill, embedder);
    const batch = await claimBatch(pool, run.uid, 2);
    if (batch === null || run.adoption === null) throw new Error('there is nothing to take over');
    expect(await adoptRows(context, batch, run.adoption)).toBe(true);
    // No embedding since: the text is another one now, and no trigger says so.
    await pool.query(`UPDATE docs SET body = 'yeast' WHERE id IN (10, 50)`);
    expect((await adopt()).json()).toMatchObject({ run: first.run });
    const settled = await backfill.work();
    expect(settled).toMatchObject({
      state: 'ready',
      rows: { embedded: 120, adopted: 118 },
      index: { name: 'mine', valid: true },
    });
    expect(await backfill.account()).toMatchObject({ embedded: 120, adopted: 118, stale: 0 });
    const after = await versions();
    expect([...after].filter(([id, version]) => version !== before.get(id)).map(([id]) => id)).toEqual(
      expect.arrayContaining(['10', '50']),
    );
    const back = await runCommand('rollback', ['--to-legacy-schema', '--execute', '--json'], backfill.env);
    expect(back.code).toBe(0);
    const kept = await pool.query(`SELECT 1 FROM pg_class WHERE relname IN ('mine', 'other')`);
    expect(kept.rowCount).toBe(2);
    expect(await versions()).toEqual(after);
  });
});
