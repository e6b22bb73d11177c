/** Ready vectors through whole batches into one of the stores, while an application updates rows of the table. */

import { setTimeout as delay } from 'node:timers/promises';
import { stopIfInterrupted } from '../../../src/db/interruption.ts';
import { migrate } from '../../../src/db/migrate.ts';
import type { Pool } from '../../../src/db/pool.ts';
import { emptyEmbeddings } from '../../../src/embedding/embedder.ts';
import { saveBackfill } from '../../../src/ledger/backfill/backfill.ts';
import { describeTarget } from '../../../src/ledger/backfill/describe-target.ts';
import { noteMadeTable } from '../../../src/ledger/backfill/made-table.ts';
import { moveRun } from '../../../src/ledger/run/move-run.ts';
import { createRun, findRun } from '../../../src/ledger/run/run.ts';
import { scopeOf } from '../../../src/ledger/run/scope.ts';
import type { Logger } from '../../../src/observability/logger.ts';
import { IdenticalVectorsCheck } from '../../../src/pipeline/identical-vectors.ts';
import type { PipelineContext } from '../../../src/pipeline/pipeline-context.ts';
import { processBatch } from '../../../src/pipeline/process-batch.ts';
import { applyDdl } from '../../../src/planning/ddl.ts';
import { planRun } from '../../../src/planning/plan.ts';
import { uniform } from '../../../src/random.ts';
import type { StoreKind } from '../../../src/table/store.ts';
import { walPosition } from '../../../src/table/table-sizes.ts';
import { Throttle } from '../../../src/throttle/throttle.ts';
import type { BenchDatabase } from '../database.ts';
import { settledConfig } from '../../lib/settled-config.ts';

export interface WriteMeasures {
  seconds: number;
  walBytes: number;
  /** Of the legacy table with its indexes, and of all that holds vectors besides. */
  tableBytes: number;
  allBytes: number;
  /** Triggers that row versions of the run's have fired: one each. */
  fired: number;
  /** Of single-row updates of another column by the application. */
  waitsMs: number[];
}

const BATCH_ROWS = 1000;
/** Batches in flight, as in a worker. */
const CONCURRENCY = 2;
const FINGERPRINT = 'bench';
/** Texts lie about as many subjects as these, as those of people do. */
const CENTRES = 200;
/** Each store has a table of its own, so that both can be searched in turns. */
const TABLES: Record<StoreKind, string> = { column: 'docs_in', table: 'docs_beside' };
/** Between two updates of the application. */
const PAUSE_MS = 5;

export async function prepareTables({ pool }: BenchDatabase): Promise<void> {
  await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
  await migrate(pool);
  await pool.query(`CREATE TABLE fired (id bigserial PRIMARY KEY);
    CREATE FUNCTION count_fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fired DEFAULT VALUES; RETURN NULL; END $$`);
}

async function freshTable(pool: Pool, docs: string, rows: number): Promise<void> {
  await pool.query(
    `DROP TABLE IF EXISTS ${docs}_embedding; DROP TABLE IF EXISTS ${docs}, pgvector_backfill.${docs}_embedding_stage; TRUNCATE fired`,
  );
  await pool.query(
    `CREATE TABLE ${docs} AS SELECT n::bigint AS id, repeat(md5(n::text), 8) AS body, md5(n::text) AS slug, n % 97 AS author, n % 7 AS section, now() - n * interval '1 min' AS created_at, 0 AS views FROM generate_series(1, ${rows}) n`,
  );
  await pool.query(`ALTER TABLE ${docs} ADD PRIMARY KEY (id);
    CREATE INDEX ON ${docs} (slug); CREATE INDEX ON ${docs} (author); CREATE INDEX ON ${docs} (section, created_at); CREATE INDEX ON ${docs} (created_at);
    CREATE INDEX ON ${docs} (md5(body));
    CREATE TRIGGER counts AFTER UPDATE ON ${docs} FOR EACH ROW EXECUTE FUNCTION count_fired()`);
  await pool.query(`VACUUM ANALYZE ${docs}`);
  await pool.query('CHECKPOINT').catch(() => {});
}

export async function writeInto(
  { pool, url, folder }: BenchDatabase,
  store: StoreKind,
  { rows, dimensions }: { rows: number; dimensions: number },
  logger: Logger,
): Promise<{ measures: WriteMeasures; context: PipelineContext }> {
  stopIfInterrupted();
  const docs = TABLES[store];
  // What the round before has left of it.
  for (const table of ['run', 'backfill'])
    await pool.query(
      `DELETE FROM pgvector_backfill.${table} WHERE ${table === 'run' ? 'backfill' : 'name'} = $1`,
      [docs],
    );
  await freshTable(pool, docs, rows);
  const { settings } = await settledConfig({
    flags: { store },
    env: {
      DATABASE_URL: url,
      BACKFILL_TABLE: docs,
      BACKFILL_TEXT: 'body',
      BACKFILL_MODEL_NORMALIZE: 'false',
    },
    cwd: folder,
  });
  const described = await describeTarget(pool, docs, settings);
  await saveBackfill(pool, described, {});
  await applyDdl(pool, described, dimensions, {
    table: (client, table) => noteMadeTable(client, docs, table),
  });
  const target = await describeTarget(pool, docs, settings);
  const facts = { fingerprint: FINGERPRINT, model: 'ready vectors', dimensions, batchRows: BATCH_ROWS };
  const created = await createRun(pool, docs, {
    ...facts,
    scope: scopeOf(settings),
    tableOid: target.oid,
  });
  await planRun(pool, target, created, { ...facts, limitRows: null, resuming: false });
  await moveRun(pool, created.id, ['planned'], 'running', '');
  const run = (await findRun(pool, created.uid)) ?? created;
  const context: PipelineContext = {
    pool,
    target,
    settings,
    embedder: readyVectors(dimensions),
    logger,
    collapse: new IdenticalVectorsCheck(),
    throttle: new Throttle({ pool, backfill: target.backfill, settings, logger }),
  };
  const before = await sizes(pool, docs);
  const application = startApplication(pool, docs, rows);
  const started = performance.now();
  let next = 1;
  const lane = async (): Promise<void> => {
    for (let number = next++; number <= run.batchesPlanned; number = next++) {
      stopIfInterrupted();
      await processBatch(context, run, number);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  const seconds = (performance.now() - started) / 1000;
  const waitsMs = await application.stop();
  const after = await sizes(pool, docs);
  return {
    context,
    measures: {
      seconds,
      walBytes: after.wal - before.wal,
      tableBytes: after.table - before.table,
      allBytes: after.all - before.all,
      fired: after.fired - before.fired - waitsMs.length,
      waitsMs,
    },
  };
}

/** Vectors about some centres: of numbers without any order no index finds the nearest. */
function readyVectors(dimensions: number): PipelineContext['embedder'] {
  const random = uniform(1);
  const centres = Float32Array.from({ length: CENTRES * dimensions }, () => random() - 0.5);
  return {
    model: 'ready vectors',
    dimensions,
    fingerprint: FINGERPRINT,
    precision: 'fp32',
    maxCharacters: 1000,
    embed: (texts) => {
      const vectors = new Float32Array(texts.length * dimensions);
      for (let text = 0; text < texts.length; text++) {
        const centre = Math.floor(random() * CENTRES) * dimensions;
        for (let at = 0; at < dimensions; at++)
          vectors[text * dimensions + at] = (centres[centre + at] ?? 0) + 0.4 * (random() - 0.5);
      }
      return Promise.resolve({ ...emptyEmbeddings(texts.length), vectors });
    },
    close: () => Promise.resolve(),
  };
}

interface Sizes {
  wal: number;
  table: number;
  all: number;
  fired: number;
}

async function sizes(pool: Pool, docs: string): Promise<Sizes> {
  const found = await pool.query<Omit<Sizes, 'wal'>>(
    `SELECT pg_total_relation_size('${docs}')::float8 AS table,
            (pg_total_relation_size('${docs}') + pg_total_relation_size('pgvector_backfill.${docs}_embedding_stage') + coalesce(pg_total_relation_size(to_regclass('${docs}_embedding')), 0))::float8 AS all,
            (SELECT count(*)::float8 FROM fired) AS fired`,
  );
  return { ...(found.rows[0] as Omit<Sizes, 'wal'>), wal: (await walPosition(pool)) ?? 0 };
}

/** One update of a single row after the other, of a column that no vector depends on. */
function startApplication(pool: Pool, docs: string, rows: number): { stop(): Promise<number[]> } {
  const random = uniform(3);
  const stopped = new AbortController();
  const waits: number[] = [];
  const work = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const started = performance.now();
      await pool.query(`UPDATE ${docs} SET views = views + 1 WHERE id = $1`, [
        1 + Math.floor(random() * rows),
      ]);
      waits.push(performance.now() - started);
      await delay(PAUSE_MS);
    }
  };
  const done = work();
  return {
    async stop() {
      stopped.abort();
      await done;
      return waits;
    },
  };
}
