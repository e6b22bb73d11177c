/** A model whose files come with its first use, and say how it is used: nobody has to run anything twice. */

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { graphFile } from '../../src/embedding/model-files/dtype.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { FakeHub } from '../embedding/model-files/fake-hub.ts';
import { runCommand } from '../setup/command.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

const NAME = 'org/small';
const TEXTS = ['bread dough and yeast', 'a bicycle with a flat tyre', 'rain in the garden'];
interface Found {
  vector: { key: string; distance: number }[];
}

describe.each(databases().slice(0, 1))('a model at its first use on $name', ({ create }) => {
  const model = sampleModel();
  let root: string;
  let hub: FakeHub;
  let database: TestDatabase;
  let pool: Pool;
  const envOf = (folder: string): Record<string, string> => ({
    DATABASE_URL: database.databaseUrl,
    QUEUE_URL: database.queueUrl,
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'body',
    BACKFILL_MODEL_NAME: NAME,
    BACKFILL_MODEL_LOCAL_PATH: join(root, folder),
    BACKFILL_MODEL_HUB: hub.origin,
    BACKFILL_MODEL_ALLOW_DOWNLOAD: 'true',
    BACKFILL_THREADS: '1',
    BACKFILL_LOG_LEVEL: 'silent',
  });
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-first-'));
    const folder = join(root, 'hub');
    await cp(join(model.localPath, model.name), folder, { recursive: true });
    // Of its graphs the one in full precision alone, which nobody asks for.
    await rm(join(folder, graphFile('q8')));
    await mkdir(join(folder, '1_Pooling'));
    await writeFile(join(folder, '1_Pooling', 'config.json'), '{"pooling_mode_max_tokens":true}');
    const prompts = { query: 'bicycle ', document: 'garden ' };
    await writeFile(join(folder, 'config_sentence_transformers.json'), JSON.stringify({ prompts }));
    hub = await FakeHub.start(folder, NAME);
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await pool.query('INSERT INTO docs SELECT n, b FROM unnest($1::text[]) WITH ORDINALITY t (b, n)', [
      TEXTS,
    ]);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
    await hub.stop();
    await rm(root, { recursive: true });
  });

  it('is used as the files say that have just come: by enqueue, and a worker of another machine', async () => {
    const enqueued = await runCommand('enqueue', ['--json'], envOf('enqueue'));
    expect(enqueued.code).toBe(0);
    expect(enqueued.stderr).toMatch(/model.pooling "max" \(1_Pooling.*Going by them, except for/);
    const worker = await runCommand('worker', ['--exit-when-done'], envOf('worker'));
    expect([worker.code, worker.stderr.match(/Going by them/g)?.length]).toEqual([0, 1]);
    const { rows } = await pool.query<{ pooling: string; dtype: string; kept: string; n: number }>(
      `SELECT r.embedding ->> 'model.pooling' AS pooling, r.embedding ->> 'model.dtype' AS dtype, b.settings -> 'model' ->> 'dtype' AS kept,
              (SELECT count(embedding)::int FROM docs) AS n
         FROM pgvector_backfill.run r, pgvector_backfill.backfill b`,
    );
    expect(rows).toEqual([{ pooling: 'max', dtype: 'fp32', kept: 'fp32', n: TEXTS.length }]);
  });

  it('is asked as a query by itself, and as a row where that is asked for', async () => {
    const search = async (...args: string[]): Promise<Found['vector'][number] | undefined> =>
      ((await runCommand('search', ['--json', ...args, TEXTS[1] ?? ''], envOf('enqueue'))).json() as Found)
        .vector[0];
    // A row with this very text has this very vector.
    expect((await search('--as', 'document'))?.distance).toBeCloseTo(0, 6);
    expect(await search('--as', 'document')).toMatchObject({ key: '2' });
    expect((await search())?.distance).toBeGreaterThan(0.001);
  });
});
