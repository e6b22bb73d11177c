/**
 * `bench e2e`: the whole worker (queue, read, embed, COPY, merge, ledger) against the bare engine on the same texts, with
 * the same inference processes. For a model of all-MiniLM-L6-v2's shape inference is nearly all; for the small static
 * model that `train-model` makes, tokenizer and database are, so it is set against the writing of ready vectors too.
 */

import { join } from 'node:path';
import type { Config } from '../../src/config/load.ts';
import { openEmbedder } from '../../src/embedding/open-embedder.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { ConfigError } from '../../src/errors.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { trainFrom } from '../../src/training/train-from.ts';
import { enqueueRun } from '../../src/planning/enqueue-run.ts';
import { withBenchDatabase, type BenchDatabase } from './database.ts';
import { cacheFolder } from './embed-systems.ts';
import { MODEL_NAME, makeMiniLmModel, makeTexts } from './minilm-model.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import { machine, median, ratioOf, showRatio, type Ratio } from './ratio.ts';
import { mergeSeconds } from './merge-seconds.ts';
import { WriteBench } from './write-systems.ts';
import { settledConfig } from '../lib/settled-config.ts';

export const MODELS = ['fp32', 'int8', 'static'] as const;
export type BenchModel = (typeof MODELS)[number];

export interface E2eOptions {
  /** Rows for the models of MiniLM's shape. */
  texts: number;
  rounds: number;
  onProgress?: OnProgress;
  models: readonly BenchModel[];
  /** Texts of the static model's table. */
  staticTexts: () => Promise<string[]>;
}

export interface E2eModelResult {
  rows: number;
  batchRows: number;
  /** Median of the rounds. */
  engineRowsPerSecond: number;
  workerRowsPerSecond: number;
  /** Whole worker / bare engine, round by round. */
  workerToEngine: Ratio;
  /** Static model only: whole worker / COPY and merge of ready vectors. */
  workerToWrite?: Ratio;
  writeRowsPerSecond?: number;
  /** The same with batches as large as the worker's: those of `bench write` have 1,000 rows. */
  workerToAlikeWrite?: Ratio;
  alikeWriteRowsPerSecond?: number;
}

export interface E2eResult {
  machine: { cpu: string; cores: number };
  models: Partial<Record<BenchModel, E2eModelResult>>;
}

interface Bench {
  database: BenchDatabase;
  queue: string;
  logger: Logger;
  say: (line: string) => void;
  onProgress: OnProgress | undefined;
}

const STATIC_DIMENSIONS = 128;

export async function benchE2e(
  connections: { database: string; queue: string },
  root: string,
  options: E2eOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<E2eResult> {
  return withBenchDatabase(connections.database, logger, async (database) => {
    const { onProgress } = options;
    const bench: Bench = { database, queue: connections.queue, logger, say, onProgress };
    const result: E2eResult = { machine: machine(), models: {} };
    for (const model of options.models) {
      const texts = model === 'static' ? await options.staticTexts() : makeTexts(options.texts);
      const env = await modelEnv(bench, model, root, texts);
      result.models[model] = await benchModel(bench, model, env, texts, options.rounds);
    }
    return result;
  });
}

async function modelEnv(
  { database, say }: Bench,
  model: BenchModel,
  root: string,
  texts: string[],
): Promise<Record<string, string>> {
  // As in `bench embed`: the model alone is measured, not the masking.
  const plain = { BACKFILL_MASK: 'none' };
  if (model !== 'static') {
    const quantized = String(model === 'int8');
    return {
      ...plain,
      // Many batches, of which two are under way at a time, as in a run of any length.
      BACKFILL_BATCH_ROWS: '512',
      BACKFILL_MODEL_LOCAL_PATH: await makeMiniLmModel(cacheFolder(root), say),
      BACKFILL_MODEL_NAME: MODEL_NAME,
      BACKFILL_MODEL_QUANTIZED: quantized,
    };
  }
  const out = join(database.folder, 'static');
  await trainFrom(texts, { out, dimensions: STATIC_DIMENSIONS, seed: 1 });
  return { ...plain, BACKFILL_MODEL_LOCAL_PATH: out, BACKFILL_MODEL_QUANTIZED: 'false' };
}

async function benchModel(
  bench: Bench,
  model: BenchModel,
  modelOptions: Record<string, string>,
  texts: string[],
  rounds: number,
): Promise<E2eModelResult> {
  const { database, say } = bench;
  const env = {
    DATABASE_URL: database.url,
    QUEUE_URL: bench.queue,
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'body',
    ...modelOptions,
  };
  const config = await settledConfig({ env, cwd: database.folder });
  const { batchRows } = config.settings;
  const options = { rows: texts.length, dimensions: STATIC_DIMENSIONS, rounds };
  const write = model === 'static' ? new WriteBench(database, options, bench.logger) : null;
  const alikeWrite = write && new WriteBench(database, { ...options, batchRows }, bench.logger);
  await write?.prepare();
  const embedder = await openEmbedder(config.settings);
  const rates: Record<'engine' | 'worker' | 'write' | 'alikeWrite', number[]> = {
    engine: [],
    worker: [],
    write: [],
    alikeWrite: [],
  };
  try {
    await embedder.embed(texts.slice(0, 256));
    for (let round = 1; round <= rounds; round++) {
      const rate = async (system: keyof typeof rates, seconds: Promise<number>): Promise<void> => {
        bench.onProgress?.({ what: `${model}: ${system}, round`, done: round, total: rounds });
        const perSecond = texts.length / (await seconds);
        rates[system].push(perSecond);
        say(`round ${round}: ${model}: ${system}: ${perSecond.toFixed(1)} rows/s`);
      };
      await rate('engine', engineSeconds(embedder, texts));
      await rate('worker', workerSeconds(bench, config, embedder, texts));
      if (write === null || alikeWrite === null) continue;
      const secondsOf = async (bench: WriteBench): Promise<number> =>
        texts.length / (await bench.ours(false));
      await rate('write', secondsOf(write));
      await rate('alikeWrite', secondsOf(alikeWrite));
    }
  } finally {
    await embedder.close();
  }
  const result: E2eModelResult = {
    rows: texts.length,
    batchRows,
    engineRowsPerSecond: Math.round(median(rates.engine) * 10) / 10,
    workerRowsPerSecond: Math.round(median(rates.worker) * 10) / 10,
    workerToEngine: ratioOf(rates.worker, rates.engine),
    ...(write === null
      ? {}
      : {
          workerToWrite: ratioOf(rates.worker, rates.write),
          writeRowsPerSecond: Math.round(median(rates.write)),
          workerToAlikeWrite: ratioOf(rates.worker, rates.alikeWrite),
          alikeWriteRowsPerSecond: Math.round(median(rates.alikeWrite)),
        }),
  };
  say(`${model}: whole worker / bare engine ${showRatio(result.workerToEngine)}`);
  if (result.workerToWrite !== undefined)
    say(
      `${model}: whole worker / COPY and merge of ready vectors ${showRatio(result.workerToWrite)}` +
        (result.workerToAlikeWrite === undefined
          ? ''
          : `, in batches of ${batchRows} too ${showRatio(result.workerToAlikeWrite)}`),
    );
  return result;
}

async function engineSeconds(embedder: Embedder, texts: string[]): Promise<number> {
  const started = performance.now();
  await embedder.embed(texts);
  return (performance.now() - started) / 1000;
}

async function workerSeconds(
  { database: { pool }, logger }: Bench,
  config: Config,
  embedder: Embedder,
  texts: string[],
): Promise<number> {
  await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
  await pool.query('DROP SCHEMA IF EXISTS pgvector_backfill CASCADE');
  await pool.query('DROP TABLE IF EXISTS docs, stage');
  await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text NOT NULL)');
  await pool.query(
    'INSERT INTO docs SELECT at, body FROM unnest($1::text[]) WITH ORDINALITY AS given (body, at)',
    [texts],
  );
  await pool.query('VACUUM ANALYZE docs');
  await pool.query('CHECKPOINT').catch(() => {});
  await enqueueRun(config, pool, logger, { embedder }, { limitRows: null });
  return mergeSeconds(config, pool, embedder, logger);
}

/** @throws ConfigError for anything but a list of models. */
export function parseModels(raw: string): BenchModel[] {
  return raw.split(',').map((name) => {
    const model = MODELS.find((each) => each === name);
    if (model !== undefined) return model;
    throw new ConfigError(`--model must be a list of ${MODELS.join(', ')} (got ${raw}).`, { code: 'USAGE' });
  });
}
