/** Whole runs over a collection by the program's own verbs: a comparison of the models first, then each of them to its verification. */

import { join } from 'node:path';
import type { Pool } from '../../../src/db/pool.ts';
import type { ComparedModel, ComparedModels } from '../../../src/verify/compared-models/compare-models.ts';
import type { LearntFusion } from '../../../src/verify/measures/learn-fusion.ts';
import type { Relevance, SystemScore } from '../../../src/verify/measures/relevance.ts';
import type { BenchDatabase } from '../database.ts';
import { mustRun, runVerb, type Environment } from '../new-model/programs.ts';
import type { Collection } from './collections.ts';
import { measureRates } from './rates.ts';

export interface BenchModel {
  /** As tables have it. */
  name: string;
  /** As `compare-models` takes it. */
  asked: string;
  /** Null for the one that is trained on the table. */
  folder: string | null;
  quantized: boolean;
}

export interface WholeRun {
  model: BenchModel;
  compared: ComparedModel;
  /** Embedded a second. */
  rowsPerSecond: number;
  systems: SystemScore[];
  /** Of the hybrid; null where there were too few queries to learn from. */
  fusion: LearntFusion | null;
}

export interface CollectionRuns {
  queries: number;
  runs: WholeRun[];
  /** Of the full-text search: its index, and the time to make it with its column. */
  words: { bytes: number; seconds: number };
}

/** Words of the row, by an index: ranking without one would read every text again for each query. */
const WORDS = 'words';

/** Table docs, with an index of words. */
async function loadCollection(pool: Pool, { records, text }: Collection): Promise<CollectionRuns['words']> {
  await pool.query('DROP SCHEMA IF EXISTS pgvector_backfill CASCADE');
  await pool.query('DROP TABLE IF EXISTS docs CASCADE');
  await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, title text, body text)');
  await pool.query('INSERT INTO docs SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])', [
    records.map(({ id }) => String(id)),
    records.map(({ title }) => title),
    records.map(({ body }) => body),
  ]);
  const document = text.map((column) => `coalesce(${column}, '')`).join(` || chr(10) || `);
  const started = performance.now();
  await pool.query(
    `ALTER TABLE docs ADD COLUMN ${WORDS} tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, ${document})) STORED`,
  );
  await pool.query(`CREATE INDEX docs_words_idx ON docs USING gin (${WORDS})`);
  const seconds = (performance.now() - started) / 1000;
  await pool.query('VACUUM ANALYZE docs');
  const { rows } = await pool.query<{ bytes: number }>(
    `SELECT (pg_relation_size('docs_words_idx') + (SELECT sum(pg_column_size(${WORDS})) FROM docs))::float8 AS bytes`,
  );
  return { bytes: rows[0]?.bytes ?? 0, seconds };
}

export async function runCollection(
  { pool, url, folder }: BenchDatabase,
  collection: Collection,
  models: readonly BenchModel[],
  say: (line: string) => void,
): Promise<CollectionRuns> {
  const { text, queriesFile, judgementsFile, records } = collection;
  const like = text.map((column) => `${column} ILIKE '%' || $1 || '%'`).join(' OR ');
  const env: Environment = {
    DATABASE_URL: url,
    // One database, and nothing of it is left elsewhere.
    QUEUE_URL: url,
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: text.join(','),
    BACKFILL_LEGACY_SEARCH: `SELECT id FROM docs WHERE ${like} ORDER BY id LIMIT $2`,
    BACKFILL_SEARCH_TSVECTOR: WORDS,
    // What the models find, and not what an index leaves out: with the usual 0.9 that is up to 0.04 of nDCG@10.
    BACKFILL_VERIFY_RECALL: '0.98',
    BACKFILL_LOG_LEVEL: 'error',
  };
  const judged = ['--queries', queriesFile, '--judgements', judgementsFile];
  const words = await loadCollection(pool, collection);
  say(`${collection.name}: models are compared before anything is written`);
  const compared = (await mustRun(
    [
      'compare-models',
      '--models',
      models.map(({ asked }) => asked).join(','),
      '--rows',
      String(records.length),
      ...judged,
    ],
    env,
  )) as unknown as ComparedModels;
  const runs: Omit<WholeRun, 'rowsPerSecond'>[] = [];
  const environments: Environment[] = [];
  let queries = 0;
  for (const [at, model] of models.entries()) {
    say(`${collection.name}: whole run with ${model.name}`);
    if (at > 0) await loadCollection(pool, collection);
    const own = { ...env, ...(await modelEnv(env, model, join(folder, `${collection.name}-trained`))) };
    environments.push(own);
    await mustRun(['enqueue'], own);
    await runVerb(['worker', '--exit-when-done'], own);
    // A gate that does not pass has measured all the same.
    const { json, stderr } = await runVerb(['verify', ...judged], own);
    const relevance = json?.['relevance'] as Relevance | undefined;
    if (relevance === undefined) throw new Error(`verify has measured no relevance: ${stderr}`);
    queries = relevance.queries;
    runs.push({
      model,
      compared: compared.models[at] as ComparedModel,
      systems: relevance.systems,
      fusion: relevance.fusion ?? null,
    });
  }
  say(`${collection.name}: how fast models embed`);
  const rates = await measureRates(collection, environments, folder);
  return { queries, runs: runs.map((run, at) => ({ ...run, rowsPerSecond: rates[at] ?? 0 })), words };
}

async function modelEnv(env: Environment, model: BenchModel, out: string): Promise<Environment> {
  if (model.folder === null) await mustRun(['train-model', '--out', out], env);
  return {
    BACKFILL_MODEL_LOCAL_PATH: model.folder ?? out,
    BACKFILL_MODEL_QUANTIZED: String(model.quantized),
  };
}
