/**
 * `bench adopt`: a table whose vectors are there already, one in a thousand of them altered. How often the sample finds that,
 * what is taken over where the options permit it and where every row is compared, and how long that takes beside embedding
 * all of them. Vectors are altered so that only embedding again can tell: they are of another row, turned aside, or of half
 * of the text.
 */

import { join } from 'node:path';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { openEmbedder } from '../../src/embedding/open-embedder.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import { examineColumn, type ColumnSample } from '../../src/planning/adopt/examine-column.ts';
import { enqueueRun } from '../../src/planning/enqueue-run.ts';
import { uniform } from '../../src/random.ts';
import { trainFrom } from '../../src/training/train-from.ts';
import { withBenchDatabase, type BenchDatabase } from './database.ts';
import { mergeSeconds } from './merge-seconds.ts';
import { machine, median } from './ratio.ts';
import { settledConfig } from '../lib/settled-config.ts';

export interface AdoptOptions {
  texts: readonly string[];
  /** Samples that are drawn to see how often they find what was altered. */
  rounds: number;
  onProgress?: OnProgress;
}

interface Outcome {
  sampled: number;
  disagreed: number;
  /** Share beyond the sample that may disagree at most, as it is said. */
  mayDisagree: number;
  sampleSeconds: number;
  /** Staging without embedding, and embedding of the others. */
  workerSeconds: number;
  adopted: number;
  embedded: number;
  /** Altered vectors that are taken over all the same. */
  alteredLeft: number;
  /** By which the table grew, bytes. */
  heapBytes: number;
}

export interface AdoptResult {
  machine: { cpu: string; cores: number };
  rows: number;
  altered: number;
  /** With the options as they are: samples drawn, and those that found an altered vector and refused. */
  samples: number;
  refused: number;
  sampledRows: number;
  sampleSeconds: number;
  /** A share of 0.5 % permitted. */
  permitted: Outcome;
  /** Every row compared. */
  whole: Outcome;
  /** Every row embedded, nothing taken over. */
  embedSeconds: number;
  embedHeapBytes: number;
}

const DIMENSIONS = 128;
const ALTERED_SHARE = 0.001;
const CHUNK = 2000;

export async function benchAdopt(
  connections: { database: string; queue: string },
  { texts, rounds, onProgress }: AdoptOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<AdoptResult> {
  return withBenchDatabase(connections.database, logger, async (database) => {
    const { pool } = database;
    onProgress?.({ what: 'training a model', done: 0, total: null });
    const out = join(database.folder, 'static');
    await trainFrom(texts, { out, dimensions: DIMENSIONS, seed: 1 });
    const configOf = (options: Record<string, string>): Promise<Config> =>
      settledConfig({
        env: {
          DATABASE_URL: database.url,
          QUEUE_URL: connections.queue,
          BACKFILL_TABLE: 'docs',
          BACKFILL_TEXT: 'body',
          BACKFILL_MASK: 'none',
          BACKFILL_MODEL_LOCAL_PATH: out,
          BACKFILL_MODEL_QUANTIZED: 'false',
          ...options,
        },
        cwd: database.folder,
      });
    const embedder = await openEmbedder((await configOf({})).settings);
    try {
      onProgress?.({ what: 'making vectors', done: 0, total: texts.length });
      const altered = await makeTable(pool, embedder, texts);
      const rows = texts.length;
      say(`${rows} rows, ${altered} of their vectors altered`);
      const samples: { sample: ColumnSample; seconds: number }[] = [];
      for (let round = 1; round <= rounds; round++) {
        onProgress?.({ what: 'drawing samples', done: round, total: rounds });
        await reset(pool);
        samples.push(await drawSample(await configOf({}), pool, embedder));
      }
      const refused = samples.filter(({ sample }) => !sample.agrees).length;
      const sampledRows = samples[0]?.sample.sampled ?? 0;
      const sampleSeconds = median(samples.map(({ seconds }) => seconds));
      say(
        `${refused} of ${rounds} samples of ${sampledRows} rows found it and refused; ${sampleSeconds.toFixed(1)} s each`,
      );
      const run = async (what: string, options: Record<string, string>): Promise<Outcome> => {
        onProgress?.({ what, done: 0, total: null });
        const outcome = await takeOver(await configOf(options), database, embedder, logger);
        say(
          `${what}: ${outcome.disagreed} of ${outcome.sampled} disagree, ${outcome.adopted} adopted in ${outcome.workerSeconds.toFixed(1)} s, ${outcome.embedded} embedded, ${outcome.alteredLeft} altered ones taken over (at most ${Math.round(outcome.mayDisagree * rows)} by the sample); the table grew by ${outcome.heapBytes} bytes`,
        );
        return outcome;
      };
      const permitted = await run('0.5 % permitted', { BACKFILL_ADOPT_MAX_DISAGREEMENT: '0.005' });
      const whole = await run('every row compared', {
        BACKFILL_ADOPT_MAX_DISAGREEMENT: '0.005',
        BACKFILL_ADOPT_SAMPLE_ROWS: String(rows),
      });
      onProgress?.({ what: 'embedding every row', done: 0, total: null });
      await reset(pool);
      const before = await heapBytes(pool);
      const config = await configOf({});
      await enqueueRun(config, pool, logger, { embedder }, { limitRows: null });
      const embedSeconds = await mergeSeconds(config, pool, embedder, logger);
      const embedHeapBytes = (await heapBytes(pool)) - before;
      say(`nothing taken over: ${embedSeconds.toFixed(1)} s; the table grew by ${embedHeapBytes} bytes`);
      return {
        machine: machine(),
        rows,
        altered,
        samples: rounds,
        refused,
        sampledRows,
        sampleSeconds,
        permitted,
        whole,
        embedSeconds,
        embedHeapBytes,
      };
    } finally {
      await embedder.close();
    }
  });
}

/** @returns how many vectors were altered; `altered` says which, `made` keeps what was there. */
async function makeTable(pool: Pool, embedder: Embedder, texts: readonly string[]): Promise<number> {
  await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
  await pool.query(
    `CREATE TABLE made (id bigint PRIMARY KEY, body text NOT NULL, embedding vector(${DIMENSIONS}), altered boolean NOT NULL)`,
  );
  const random = uniform(20);
  let altered = 0;
  for (let start = 0; start < texts.length; start += CHUNK) {
    const some = texts.slice(start, start + CHUNK);
    const { vectors, faults } = await embedder.embed(some);
    const others = await embedder.embed(some.map((text) => text.slice(0, Math.ceil(text.length / 2))));
    const rows = some.map((body, at) => {
      const of = (index: number, from = vectors): Float32Array =>
        from.subarray(index * DIMENSIONS, (index + 1) * DIMENSIONS);
      const isAltered = (start + at) % Math.round(1 / ALTERED_SHARE) === 500;
      const own = of(at);
      if ((faults[at] ?? 0) !== 0) return { body, vector: null, isAltered: false };
      if (!isAltered) return { body, vector: own, isAltered };
      altered++;
      const kind = altered % 3;
      const aside = unit(own.map((component) => component + 0.05 * (random() - 0.5)));
      const vector = kind === 0 ? of((at + 7) % some.length) : kind === 1 ? aside : of(at, others.vectors);
      return { body, vector, isAltered };
    });
    await pool.query(
      `INSERT INTO made SELECT $1::bigint + at, body, vector::vector, altered
         FROM unnest($2::text[], $3::text[], $4::boolean[]) WITH ORDINALITY AS t (body, vector, altered, at)`,
      [
        start,
        rows.map(({ body }) => body),
        rows.map(({ vector }) => (vector === null ? null : JSON.stringify([...vector]))),
        rows.map(({ isAltered }) => isAltered),
      ],
    );
  }
  return altered;
}

const unit = (vector: Float32Array): Float32Array => {
  const length = Math.hypot(...vector);
  return vector.map((component) => component / length);
};

/** The table as it was made, and nothing of ours. */
async function reset(pool: Pool): Promise<void> {
  await pool.query('DROP SCHEMA IF EXISTS pgvector_backfill CASCADE');
  await pool.query('DROP TABLE IF EXISTS docs');
  await pool.query(
    `CREATE TABLE docs (id bigint PRIMARY KEY, body text NOT NULL, embedding vector(${DIMENSIONS}))`,
  );
  await pool.query('INSERT INTO docs SELECT id, body, embedding FROM made ORDER BY id');
  await pool.query('VACUUM ANALYZE docs');
}

async function drawSample(
  config: Config,
  pool: Pool,
  embedder: Embedder,
): Promise<{ sample: ColumnSample; seconds: number }> {
  const target = await describeTarget(pool, config.backfill, config.settings, { planning: true });
  const started = performance.now();
  const examined = await examineColumn(config, pool, { target, embedder, limitRows: null });
  if (examined.kind === 'goes-on') throw new Error('nothing was to be taken over yet');
  return { sample: examined.sample, seconds: (performance.now() - started) / 1000 };
}

async function takeOver(
  config: Config,
  { pool }: BenchDatabase,
  embedder: Embedder,
  logger: Logger,
): Promise<Outcome> {
  await reset(pool);
  const before = await heapBytes(pool);
  const { sample, seconds } = await drawSample(config, pool, embedder);
  await enqueueRun(config, pool, logger, { embedder }, { limitRows: null, adopt: sample });
  const workerSeconds = await mergeSeconds(config, pool, embedder, logger);
  const counted = await pool.query<{ adopted: number; embedded: number; left: number }>(
    `SELECT count(*) FILTER (WHERE s.adopted)::int AS adopted, count(*) FILTER (WHERE NOT s.adopted)::int AS embedded,
            count(*) FILTER (WHERE s.adopted AND m.altered)::int AS left
       FROM pgvector_backfill.docs_embedding_stage s JOIN made m USING (id)`,
  );
  const { adopted = 0, embedded = 0, left = 0 } = counted.rows[0] ?? {};
  return {
    sampled: sample.sampled,
    disagreed: sample.disagreed,
    mayDisagree: sample.mayDisagree,
    sampleSeconds: seconds,
    workerSeconds,
    adopted,
    embedded,
    alteredLeft: left,
    heapBytes: (await heapBytes(pool)) - before,
  };
}

async function heapBytes(pool: Pool): Promise<number> {
  const found = await pool.query<{ bytes: number }>(`SELECT pg_relation_size('docs')::float8 AS bytes`);
  return found.rows[0]?.bytes ?? 0;
}
