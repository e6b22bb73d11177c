/** A table of vectors with its index on a server that counts statements, and a backfill in the ledger that stands for it. */

import { loadConfig, type Config } from '../../src/config/load.ts';
import { generationName } from '../../src/config/values/generation-name.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { audit, type Audit, type AuditedStatement } from '../../src/audit/audit.ts';

const DIMENSIONS = 16;

export interface AuditedTable {
  pool: Pool;
  config: Config;
  /** As an application does, on a connection of its own. */
  ask(...statements: string[]): Promise<void>;
  /** Ids of what a statement gives. */
  ids(sql: string, values?: unknown[]): Promise<number[]>;
  target(): Promise<Target>;
  /** Another one, by its options, and those that its run was planned for. */
  addGeneration(number: number, settings: object, scope: object): Promise<void>;
  audit(): Promise<Audit>;
  close(): Promise<void>;
}

export const VECTOR = `[${Array.from({ length: DIMENSIONS }, (_, at) => (at % 3) / 3 + 0.1).join()}]`;

export async function openAuditedTable(
  databaseUrl: string,
  {
    rows = 3000,
    index = 'USING hnsw (embedding vector_cosine_ops)',
    ...options
  }: { rows?: number; index?: string } & Record<string, string | number> = {},
): Promise<AuditedTable> {
  const pool = createPool(databaseUrl, { name: 'test', max: 4, logger: silentLogger, pinned: true });
  const application = createPool(databaseUrl, { name: 'application', max: 1, logger: silentLogger });
  await pool.query('CREATE SCHEMA IF NOT EXISTS stats');
  await pool.query('CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public');
  await migrate(pool);
  await application.query(
    `CREATE TABLE articles (id bigint PRIMARY KEY, title text, author bigint, category text, embedding vector(${DIMENSIONS}))`,
  );
  await application.query(`SELECT setseed(0.5)`);
  await application.query(
    `INSERT INTO articles SELECT i, 'title ' || i, i % 20, 'c' || i % 1000,
       l2_normalize((SELECT array_agg(random() + 0 * (i + d)) FROM generate_series(1, ${DIMENSIONS}) d)::vector) FROM generate_series(1, $1) i`,
    [rows],
  );
  await application.query(
    'CREATE TABLE authors AS SELECT i AS id, $1 || i AS name FROM generate_series(0, 19) i',
    ['author '],
  );
  await application.query(`CREATE INDEX articles_embedding_hnsw_idx ON articles ${index}`);
  await application.query('ANALYZE');
  const addGeneration = async (number: number, settings: object, scope: object): Promise<void> => {
    const name = generationName({ backfill: `${options['table'] ?? 'articles'}`, generation: number });
    await pool.query(
      `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings) VALUES ($1, 'public.' || $4, 'id', $2, $3)`,
      [name, `stage_${number}`, JSON.stringify(settings), options['table'] ?? 'articles'],
    );
    await pool.query(
      `INSERT INTO pgvector_backfill.run (backfill, state, fingerprint, model, dimensions, batch_rows, scope) VALUES ($1, 'ready', 'f', 'm', ${DIMENSIONS}, 10, $2)`,
      [name, JSON.stringify(scope)],
    );
  };
  await addGeneration(1, {}, {});
  const env = { DATABASE_URL: databaseUrl, BACKFILL_TABLE: 'articles', BACKFILL_TEXT: 'title' };
  const flags = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]));
  const config = await loadConfig({ flags, env, cwd: '/' });
  return {
    pool,
    config,
    async ask(...statements) {
      for (const each of statements) await application.query(each);
    },
    async ids(sql, values) {
      const given = await application.query<Record<string, string>>(sql, values);
      return given.rows.map((row) => Number(Object.values(row)[0]));
    },
    addGeneration,
    target: () => describeTarget(pool, 'articles', config.settings),
    audit: () => audit(pool, config),
    async close() {
      await application.end();
      await pool.end();
    },
  };
}

/** Of the one statement that has these words. */
export function found({ statements }: Audit, words: string): AuditedStatement {
  const [only, ...more] = statements.filter(({ statement }) => statement.includes(words));
  if (only === undefined || more.length > 0)
    throw new Error(`${more.length + (only === undefined ? 0 : 1)} statements have ${words}`);
  return only;
}
