/** A model whose outputs are all the same: the run stops on its first batches, with nothing of it in the table. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { trainModel } from '../../src/training/train.ts';
import { writeModel } from '../../src/training/write.ts';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases } from '../setup/databases.ts';
import type { TestModel } from '../setup/model.ts';

const DIMENSIONS = 16;
const ROWS = 300;

describe.each(databases())('a collapsed model on $name', ({ create }) => {
  let model: TestModel;
  let backfill: TestBackfill;
  const bodies = articles().map(({ title, body }) => `${title}\n${body ?? ''}`);
  beforeAll(async () => {
    const localPath = await mkdtemp(join(tmpdir(), 'pgvector-backfill-test-'));
    const trained = await trainModel(bodies, { dimensions: DIMENSIONS, seed: 1 });
    trained.table.data.fill(0.25);
    await writeModel(join(localPath, 'broken'), trained);
    model = {
      localPath,
      name: 'broken',
      dimensions: DIMENSIONS,
    };
  });
  afterAll(() => rm(model.localPath, { recursive: true, force: true }));
  afterEach(() => backfill.close());

  it('stops the run with the remedy; no row has a vector, no attempt is burnt', async () => {
    backfill = await openBackfill(await create(), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
    });
    await createDocs(backfill.pool);
    await backfill.pool.query(
      'INSERT INTO docs SELECT at, body FROM unnest($1::text[]) WITH ORDINALITY AS given (body, at)',
      [bodies.slice(0, ROWS)],
    );
    expect((await runCommand('enqueue', [], backfill.env)).code).toBe(0);
    expect((await runCommand('worker', ['--exit-when-done'], backfill.env)).code).toBe(1);
    const { state, reason } = await backfill.run();
    expect(state).toBe('failed');
    expect(reason).toContain('nearly the same vector');
    expect(reason).toContain('model check');
    const { rows } = await backfill.pool.query(
      'SELECT count(embedding)::int AS vectors, (SELECT sum(attempts)::int FROM pgvector_backfill.batch) AS attempts FROM docs',
    );
    expect(rows).toEqual([{ vectors: 0, attempts: 0 }]);
  });
});
