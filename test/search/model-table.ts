/** A small table whose rows have the vectors of a real model's files, read in mode `vector`: for processes that open the model themselves. */

import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { saveReadMode, type WantedReads } from '../../src/ledger/reads/read-mode.ts';
import { createRun } from '../../src/ledger/run/run.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { articles } from '../../src/demo/articles.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import type { TestDatabase } from '../setup/databases.ts';
import { sharedEmbedder } from '../setup/embedder.ts';
import type { TestModel } from '../setup/model.ts';
import { makeSettings } from '../table/make-target.ts';

export interface ModelTable {
  pool: Pool;
  url: string;
  embedder: Embedder;
  set(choice: WantedReads): Promise<void>;
  close(): Promise<void>;
}

const ROWS = 24;

export async function openModelTable(
  database: TestDatabase,
  model: TestModel,
  flags: Record<string, string> = {},
): Promise<ModelTable> {
  const pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
  const settings = await makeSettings({
    'model-name': model.name,
    'model-local-path': model.localPath,
    'model-quantized': 'false',
    'mask-types': 'email,phone',
    ...flags,
  });
  const embedder = await sharedEmbedder(settings, 1);
  const rows = articles().slice(0, ROWS);
  const { vectors } = await embedder.embed(rows.map(({ title, body }) => `${title}\n${body ?? ''}`));
  await pool.query(
    `CREATE EXTENSION IF NOT EXISTS vector;
     CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text, embedding vector(${model.dimensions}))`,
  );
  await pool.query(
    `INSERT INTO articles SELECT n, t, b, v::vector FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY r (t, b, v, n)`,
    [
      rows.map(({ title }) => title),
      rows.map(({ body }) => body),
      rows.map((_, at) =>
        JSON.stringify([...vectors.subarray(at * model.dimensions, (at + 1) * model.dimensions)]),
      ),
    ],
  );
  await migrate(pool);
  const target = await describeTarget(pool, 'articles', settings);
  const { database: _, queue: __, ...stored } = settings;
  await saveBackfill(pool, target, stored);
  const { fingerprint, dimensions } = embedder;
  await createRun(pool, 'articles', { fingerprint, model: model.name, dimensions, batchRows: 10 });
  const set = (choice: WantedReads): Promise<void> =>
    saveReadMode(pool, 'articles', choice, { by: 'the test', reason: '' });
  await set({ mode: 'vector', percent: null });
  return {
    pool,
    url: database.databaseUrl,
    embedder,
    set,
    async close() {
      await embedder.close();
      await pool.end();
      await database.drop();
    },
  };
}
