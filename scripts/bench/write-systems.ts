/** The systems that `bench write` compares, each on a fresh table. */

import { emptyEmbeddings } from '../../src/embedding/embedder.ts';
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import pgvector from 'pgvector';
import { encodeStagedRows, type StagedRow } from '../../src/db/copy-binary.ts';
import { stopIfInterrupted } from '../../src/db/interruption.ts';
import { migrate } from '../../src/db/migrate.ts';
import { type Pool } from '../../src/db/pool.ts';
import { ConfigError, messageOf } from '../../src/errors.ts';
import { claimBatch } from '../../src/ledger/batch/batch.ts';
import { createRun, findRun } from '../../src/ledger/run/run.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { moveRun } from '../../src/ledger/run/move-run.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { PipelineContext } from '../../src/pipeline/pipeline-context.ts';
import { mergePage } from '../../src/pipeline/merge-rows.ts';
import { IdenticalVectorsCheck } from '../../src/pipeline/identical-vectors.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { readWork, type WorkRow } from '../../src/pipeline/read-rows.ts';
import { stagePage } from '../../src/pipeline/stage-rows.ts';
import { applyDdl } from '../../src/planning/ddl.ts';
import { planRun } from '../../src/planning/plan.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { Throttle } from '../../src/throttle/throttle.ts';
import { uniform } from '../../src/random.ts';

import type { BenchDatabase } from './database.ts';
import { settledConfig } from '../lib/settled-config.ts';

const BATCH_ROWS = 1000;
/** Batches in flight, as in a worker. */
const CONCURRENCY = 2;
/** One by one would take minutes for all rows; the rate does not depend on the number. */
const SINGLE_ROWS = 3000;
const FINGERPRINT = 'bench';
const run = promisify(execFile);

/** How a table of the benchmark is keyed. */
export interface BenchKey {
  name: string;
  /** Of the primary key. */
  columns: string;
  /** SQL that makes them of row `n`, from 1. */
  select: string;
}

export const BIGINT: BenchKey = { name: 'bigint', columns: 'id', select: 'n::bigint AS id' };

interface TableSize {
  rows: number;
  dimensions: number;
  /** Of ours, in place of `BATCH_ROWS`. */
  batchRows?: number;
}

/** The key as binary COPY has it: its length, its bytes. */
function bigintFields(key: number): Buffer {
  const fields = Buffer.alloc(12);
  fields.writeInt32BE(8);
  fields.writeBigInt64BE(BigInt(key), 4);
  return fields;
}

export class WriteBench {
  readonly #pool: Pool;
  readonly #url: string;
  readonly #folder: string;
  readonly #options: TableSize;
  readonly #vectors: Float32Array;
  readonly #logger: Logger;

  constructor({ pool, url, folder }: BenchDatabase, options: TableSize, logger: Logger) {
    this.#logger = logger;
    this.#pool = pool;
    this.#url = url;
    this.#folder = folder;
    this.#options = options;
    const random = uniform(1);
    this.#vectors = Float32Array.from({ length: options.rows * options.dimensions }, () => random() - 0.5);
  }

  async prepare(): Promise<void> {
    await this.#pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(this.#pool);
    for (let start = 0; start < this.#options.rows; start += BATCH_ROWS) {
      stopIfInterrupted();
      const rows = this.#staged(start, Math.min(start + BATCH_ROWS, this.#options.rows));
      const shape = { keyColumns: 1, dimensions: this.#options.dimensions, batch: 1 };
      await pipeline(Readable.from(encodeStagedRows(rows, shape)), createWriteStream(this.#file(start)));
    }
    const script: string[] = ['\\set QUIET on'];
    for (let start = 0; start < this.#options.rows; start += BATCH_ROWS) {
      script.push(
        `\\copy stage (id, embedding, text_hash, batch, truncated) from '${this.#file(start)}' with (format binary)`,
        `UPDATE docs SET embedding = s.embedding, embedding_updated_at = now() FROM stage s WHERE docs.id = s.id AND s.id > ${start} AND s.id <= ${start + BATCH_ROWS} AND docs.id > ${start} AND docs.id <= ${start + BATCH_ROWS};`,
      );
    }
    await writeFile(join(this.#folder, 'load.sql'), `${script.join('\n')}\n`);
  }

  #file(start: number): string {
    return join(this.#folder, `batch-${start}.bin`);
  }

  *#staged(from: number, to: number): Generator<StagedRow> {
    for (let row = from; row < to; row++)
      yield {
        key: bigintFields(row + 1),
        vector: this.#vector(row),
        textHash: Buffer.alloc(32),
        truncated: false,
      };
  }

  #vector(row: number): Float32Array {
    return this.#vectors.subarray(row * this.#options.dimensions, (row + 1) * this.#options.dimensions);
  }

  /** The legacy table without columns of ours, as an operator's: short texts, a primary key. */
  async #freshTable(withColumns: boolean, key = BIGINT): Promise<void> {
    await this.#pool.query('DROP TABLE IF EXISTS docs, stage, pgvector_backfill.docs_embedding_stage');
    await this.#pool.query('TRUNCATE pgvector_backfill.backfill CASCADE');
    await this.#pool.query(
      `CREATE TABLE docs AS SELECT ${key.select}, repeat(md5(n::text), 8) AS body FROM generate_series(1, ${this.#options.rows}) n`,
    );
    await this.#pool.query(`ALTER TABLE docs ADD PRIMARY KEY (${key.columns})`);
    if (withColumns) {
      const type = `vector(${this.#options.dimensions})`;
      await this.#pool.query(
        `ALTER TABLE docs ADD COLUMN embedding ${type}, ADD COLUMN embedding_updated_at timestamptz`,
      );
      await this.#pool.query(
        `CREATE TABLE stage (id bigint PRIMARY KEY, embedding ${type} NOT NULL, text_hash bytea NOT NULL, batch integer NOT NULL, staged_at timestamptz NOT NULL DEFAULT now(), truncated boolean NOT NULL DEFAULT false)`,
      );
    }
    await this.#pool.query('VACUUM ANALYZE docs');
    await this.#pool.query('CHECKPOINT').catch(() => {});
  }

  /** Batches from a ledger, `CONCURRENCY` at a time; vectors come from memory instead of a model. */
  async ours(wholeBatch: boolean, key = BIGINT): Promise<number> {
    await this.#freshTable(false, key);
    const { settings } = await settledConfig({
      env: {
        DATABASE_URL: this.#url,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        BACKFILL_MODEL_NORMALIZE: 'false',
      },
      cwd: this.#folder,
    });
    const target = await describeTarget(this.#pool, 'docs', settings);
    const { dimensions, batchRows = BATCH_ROWS } = this.#options;
    await applyDdl(this.#pool, target, dimensions);
    const present = await describeTarget(this.#pool, 'docs', settings);
    await saveBackfill(this.#pool, target, {});
    const created = await createRun(this.#pool, 'docs', {
      fingerprint: FINGERPRINT,
      model: 'ready vectors',
      dimensions,
      batchRows,
    });
    await planRun(this.#pool, target, created, {
      batchRows,
      limitRows: null,
      resuming: false,
      fingerprint: FINGERPRINT,
    });
    await moveRun(this.#pool, created.id, ['planned'], 'running', '');
    const planned = (await findRun(this.#pool, created.uid)) ?? created;
    let offset = 0;
    const embedder: PipelineContext['embedder'] = {
      model: 'ready vectors',
      dimensions,
      fingerprint: FINGERPRINT,
      precision: 'fp32',
      maxCharacters: 1000,
      embed: (texts) => {
        const vectors = this.#vectors.subarray(offset * dimensions, (offset + texts.length) * dimensions);
        offset = (offset + texts.length) % Math.max(1, this.#options.rows - batchRows);
        return Promise.resolve({ ...emptyEmbeddings(texts.length), vectors });
      },
      close: () => Promise.resolve(),
    };
    const context: PipelineContext = {
      pool: this.#pool,
      target: present,
      settings,
      embedder,
      logger: this.#logger,
      collapse: new IdenticalVectorsCheck(),
      throttle: new Throttle({
        pool: this.#pool,
        backfill: present.backfill,
        settings,
        logger: this.#logger,
      }),
    };
    const read: WorkRow[][] = [];
    if (!wholeBatch)
      for (let number = 1; number <= planned.batchesPlanned; number++)
        read.push((await readWork(context, rangeOf(number, batchRows), null, batchRows)).rows);
    const started = performance.now();
    let next = 1;
    const lane = async (): Promise<void> => {
      for (let number = next++; number <= planned.batchesPlanned; number = next++) {
        if (wholeBatch) await processBatch(context, planned, number);
        else await this.#stageAndMerge(context, planned.uid, number, read[number - 1] ?? []);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, lane));
    return this.#rate(this.#options.rows, started);
  }

  async #stageAndMerge(
    context: PipelineContext,
    uid: string,
    number: number,
    rows: WorkRow[],
  ): Promise<void> {
    const batch = await claimBatch(this.#pool, uid, number);
    if (batch === null) throw new Error(`batch ${number} cannot be claimed`);
    const embedded = rows.map((row) => ({
      key: row.fields,
      vector: this.#vector(Number(row.key) - 1),
      textHash: row.hash,
      truncated: false,
    }));
    const page = { embedded, unusable: [], tokens: 0, masked: {} };
    await stagePage(context, batch, rows, page);
    await mergePage(context, batch, rows, page);
  }

  async psql(): Promise<number> {
    await this.#freshTable(true);
    const started = performance.now();
    await run('psql', [
      '-X',
      '-q',
      '-v',
      'ON_ERROR_STOP=1',
      '-f',
      join(this.#folder, 'load.sql'),
      this.#url,
    ]).catch((error: unknown) => {
      throw new ConfigError(`psql, which this benchmark compares with, does not run: ${messageOf(error)}.`, {
        code: 'BENCH_PSQL',
        remedy: 'Install the PostgreSQL client.',
        cause: error,
      });
    });
    return this.#rate(this.#options.rows, started);
  }

  async oneByOne(): Promise<number> {
    await this.#freshTable(true);
    const rows = Math.min(SINGLE_ROWS, this.#options.rows);
    const started = performance.now();
    for (let row = 0; row < rows; row++) {
      await this.#pool.query({
        name: 'one',
        text: 'UPDATE docs SET embedding = $2::vector, embedding_updated_at = now() WHERE id = $1',
        values: [row + 1, pgvector.toSql(Array.from(this.#vector(row)))],
      });
    }
    return this.#rate(rows, started);
  }

  #rate(rows: number, started: number): number {
    return (rows * 1000) / (performance.now() - started);
  }
}

const rangeOf = (number: number, rows: number): { lower: string; upper: string } => ({
  lower: String((number - 1) * rows + 1),
  upper: String(number * rows + 1),
});
