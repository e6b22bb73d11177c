/** A table with vectors and an index, made without a run: for what is measured on the search alone. */

import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import type { SearchContext } from '../../src/verify/measures/systems.ts';
import { backends, type Backend, type TestDatabase } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';

export const DIMENSIONS = 16;
export const INDEX = 'things_embedding_hnsw_idx';

/** Each database server once: which queue stands beside it makes no difference to a search. */
export const databases = (): Backend[] => backends().filter(({ name }) => name !== 'PostgreSQL and Redis');

export interface VectorTable {
  pool: Pool;
  /** The search on it by these options. */
  context(flags?: Record<string, string>): Promise<SearchContext>;
  close(): Promise<void>;
}

/** `rows` of random unit-cube vectors, the same ones each time; every hundredth is rare. */
export async function openVectorTable(
  database: TestDatabase,
  rows: number,
  indexSql: string | null = `CREATE INDEX ${INDEX} ON things USING hnsw (embedding vector_cosine_ops)`,
): Promise<VectorTable> {
  const pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
  await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
  await migrate(pool);
  await pool.query(
    `CREATE TABLE things (id bigint PRIMARY KEY, title text, rare boolean, embedding vector(${DIMENSIONS}))`,
  );
  await pool.query('SELECT setseed(0.5)');
  await pool.query(
    `INSERT INTO things SELECT i, 'thing ' || i, i % 100 = 0,
       (SELECT array_agg(random() + 0 * (i + d)) FROM generate_series(1, ${DIMENSIONS}) d)::vector
       FROM generate_series(1, $1) i`,
    [rows],
  );
  if (indexSql !== null) await pool.query(indexSql);
  await pool.query('ANALYZE things');
  return {
    pool,
    async context(flags = {}) {
      const settings = await makeSettings({ table: 'things', text: 'title', ...flags });
      return { pool, settings, target: await describeTarget(pool, 'things', settings), read: {} };
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}
