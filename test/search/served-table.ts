/** A small table whose rows have vectors, its ledger, and a model that needs no files: what a search of an application sees. */

import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { saveReadMode, type WantedReads } from '../../src/ledger/reads/read-mode.ts';
import { createRun } from '../../src/ledger/run/run.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import type { TestDatabase } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';

export const FINGERPRINT = 'of the test';
/** The place of a word is its vector's one component; rows stand at angles between them. */
const WORDS = ['bread', 'puppy', 'guitar'];

export interface ServedTable {
  pool: Pool;
  url: string;
  set(choice: WantedReads): Promise<void>;
  close(): Promise<void>;
}

/** One word, one axis; a text without any of them has no vector. */
export function wordEmbedder(changes: Partial<Embedder> = {}): Embedder & { asked: number } {
  const embedder = {
    model: 'words',
    dimensions: WORDS.length,
    fingerprint: FINGERPRINT,
    precision: 'fp32' as const,
    maxCharacters: 1000,
    asked: 0,
    embed: async (texts: readonly string[]) => {
      embedder.asked++;
      const vectors = new Float32Array(texts.length * WORDS.length);
      const faults = new Uint8Array(texts.length);
      for (const [at, text] of texts.entries()) {
        const word = WORDS.findIndex((each) => text.includes(each));
        if (word < 0) faults[at] = 1;
        else vectors[at * WORDS.length + word] = 1;
      }
      const none = new Int32Array(texts.length);
      return { vectors, faults, tokens: none, truncated: new Uint8Array(texts.length), masked: {} };
    },
    close: async () => {},
    ...changes,
  };
  return embedder;
}

/**
 * Ids 1 to 30 in turns of bread, puppy and guitar. What the legacy search finds is by the word in the body; the vectors
 * are turned by one word, so that each search has an answer of its own.
 */
export async function openServedTable(database: TestDatabase): Promise<ServedTable> {
  const pool = createPool(database.databaseUrl, { name: 'test', max: 6, logger: silentLogger });
  await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
  await pool.query(
    `CREATE TABLE things (id bigint PRIMARY KEY, body text, lang text, embedding vector(${WORDS.length}))`,
  );
  await pool.query(
    `INSERT INTO things SELECT n, (ARRAY['bread', 'puppy', 'guitar'])[1 + n % 3] || ' ' || n, CASE WHEN n % 2 = 0 THEN 'de' ELSE 'en' END
       FROM generate_series(1, 30) n`,
  );
  await pool.query(
    `UPDATE things SET embedding = format(CASE id % 3 WHEN 0 THEN '[%s,1,0]' WHEN 1 THEN '[0,%s,1]' ELSE '[1,0,%s]' END, id / 100.0)::vector`,
  );
  await pool.query(
    'CREATE INDEX things_embedding_hnsw_idx ON things USING hnsw (embedding vector_cosine_ops)',
  );
  await pool.query('ANALYZE things');
  await migrate(pool);
  const settings = await makeSettings({
    table: 'things',
    text: 'body',
    'search-filters': '[{"name":"language","where":"lang = $1","values":["de"]}]',
    'legacy-search': `SELECT id FROM things WHERE body LIKE '%' || $1 || '%' ORDER BY id LIMIT $2`,
  });
  const target = await describeTarget(pool, 'things', settings);
  const { database: _, queue: __, ...stored } = settings;
  await saveBackfill(pool, target, stored);
  await createRun(pool, 'things', {
    fingerprint: FINGERPRINT,
    model: 'words',
    dimensions: WORDS.length,
    batchRows: 10,
  });
  return {
    pool,
    url: database.databaseUrl,
    set: (choice) => saveReadMode(pool, 'things', choice, { by: 'the test', reason: '' }),
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}
