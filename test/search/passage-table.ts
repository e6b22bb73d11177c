/** Rows with several vectors each, written as a run writes them, and no run: for what is measured on the search alone. */

import { loadConfig } from '../../src/config/load.ts';
import { createPool } from '../../src/db/pool.ts';
import { createIndexSql, wantedIndex } from '../../src/finalize/index-definition.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { nearest, type Neighbour, type ScanOptions } from '../../src/search/queries/vector-query.ts';
import type { SearchContext } from '../../src/verify/measures/systems.ts';
import { realDatabase } from '../setup/databases.ts';

export interface PassageTable extends SearchContext {
  /** The same rows by another index in place of the present one. */
  indexed(flags: Record<string, string>): Promise<SearchContext>;
  /** Nearest rows by every passage of each, by no code of ours; distances of `cosine`. */
  exact(vector: string, k: number, where?: string): Promise<Neighbour[]>;
  drop(): Promise<void>;
}

export interface PassageTableOptions {
  rows: number;
  dimensions: number;
  /** SQL of the number of passages of row `id`. */
  passages: string;
}

/** Around forty points, as texts of forty subjects are; the passages of a row nearer to one another. */
export async function openPassageTable(options: PassageTableOptions): Promise<PassageTable> {
  const { rows, dimensions, passages } = options;
  const database = await realDatabase();
  const pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
  const drawn = (width: number, salt: string): string =>
    `(SELECT array_agg((random() - 0.5) * ${width} + 0 * (i + ${salt})) FROM generate_series(1, ${dimensions}) i)::vector`;
  await pool.query(
    `SELECT setseed(0.5); CREATE TABLE docs (id bigint PRIMARY KEY, body text NOT NULL, lang text NOT NULL);
     INSERT INTO docs SELECT n, 'row ' || n || ': ' || repeat('abcdefghi ', 40), CASE WHEN n % 2 = 0 THEN 'de' ELSE 'en' END FROM generate_series(1, ${rows}) n;
     CREATE TABLE docs_embedding (id bigint NOT NULL, chunk integer NOT NULL, chunk_start integer NOT NULL, chunk_end integer NOT NULL,
       embedding vector(${dimensions}) NOT NULL, text_hash bytea NOT NULL, embedded_at timestamptz NOT NULL, PRIMARY KEY (id, chunk));
     ALTER TABLE docs SET (autovacuum_enabled = off); ALTER TABLE docs_embedding SET (autovacuum_enabled = off);
     WITH points AS MATERIALIZED (SELECT n, ${drawn(1, 'n')} AS e FROM generate_series(1, 40) n),
          subjects AS MATERIALIZED (SELECT d.id, p.e + ${drawn(0.4, 'd.id')} AS e, (${passages}) AS passages FROM docs d JOIN points p ON p.n = 1 + d.id % 40)
     INSERT INTO docs_embedding SELECT s.id, c, c * 10, c * 10 + 10, s.e + ${drawn(0.4, 's.id + c')}, '\\x00', now()
       FROM subjects s CROSS JOIN LATERAL generate_series(0, s.passages - 1) c`,
  );
  await pool.query('ANALYZE docs, docs_embedding');
  const indexed = async (flags: Record<string, string>): Promise<SearchContext> => {
    const env = {
      DATABASE_URL: database.databaseUrl,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_STORE: 'table',
      BACKFILL_MODEL_LONG_TEXT: 'chunks',
      BACKFILL_VERIFY_SAMPLES: '20',
      BACKFILL_SEARCH_FILTERS: '[{"name":"share","where":"docs.id % $1 = 7","values":[100]}]',
    };
    const { settings } = await loadConfig({ flags, env, cwd: '/' });
    const target = await describeTarget(pool, 'docs', settings);
    await pool.query('DROP INDEX IF EXISTS docs_embedding_hnsw_idx, docs_embedding_ivfflat_idx');
    await pool.query(createIndexSql(target, wantedIndex(target, settings, rows)));
    await pool.query('ANALYZE docs_embedding');
    return { pool, target, settings, read: {} };
  };
  return {
    ...(await indexed({})),
    indexed,
    async exact(vector, k, where = 'true') {
      const found = await pool.query<Neighbour>(
        `SELECT d.id::text AS key, min(e.embedding <=> $1::vector) AS distance FROM docs d JOIN docs_embedding e USING (id)
          WHERE ${where} GROUP BY d.id ORDER BY 2 LIMIT $2`,
        [vector, k],
      );
      return found.rows;
    },
    async drop() {
      await pool.end();
      await database.drop();
    },
  };
}

/** Vectors that are no passage's: one between each of some rows and the next. */
export async function queriesOf({ pool }: Pick<SearchContext, 'pool'>, count: number): Promise<string[]> {
  const found = await pool.query<{ vector: string }>(
    `SELECT (embedding + lead(embedding) OVER (ORDER BY id))::text AS vector FROM docs_embedding WHERE chunk = 0 AND id % 2 = 0 ORDER BY md5(id::text) LIMIT $1`,
    [count + 1],
  );
  return found.rows.flatMap(({ vector }) => vector ?? []).slice(0, count);
}

/** By the index, wherever it can be used. */
export const byIndex = async (
  { pool, target, settings }: SearchContext,
  vector: string,
  k: number,
  options: ScanOptions = {},
): Promise<Neighbour[]> =>
  (await nearest(pool, target, settings.metric, vector, k, 'index', options)).neighbours;
