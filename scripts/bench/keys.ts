/**
 * `bench keys`: what a key of text or of several columns costs against a bigint. Whole batches (read, stage, merge, account)
 * in interleaved rounds, and the planning of a large table of each: seconds, and what the process held at most.
 */

import type { Pool } from '../../src/db/pool.ts';
import { migrate } from '../../src/db/migrate.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { createRun, findRun } from '../../src/ledger/run/run.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import { planRun } from '../../src/planning/plan.ts';
import { withBenchDatabase, type BenchDatabase } from './database.ts';
import { machine, median, ratioOf, showRatio, type Ratio } from './ratio.ts';
import { BIGINT, WriteBench, type BenchKey } from './write-systems.ts';
import { settledConfig } from '../lib/settled-config.ts';

export interface KeysOptions {
  /** Of the write path. */
  rows: number;
  /** Of the tables that are planned. */
  planRows: number;
  rounds: number;
  onProgress?: OnProgress;
}

export interface KeysResult {
  machine: { cpu: string; cores: number };
  keys: {
    name: string;
    /** Per round. */
    rowsPerSecond: number[];
    ratio: Ratio;
    planSeconds: number;
    /** Memory of the process beyond what it had before, at most, MB. */
    planMegabytes: number;
    batches: number;
  }[];
}

const TENANTS = 100;
const KEYS: readonly BenchKey[] = [
  BIGINT,
  { name: 'text', columns: 'slug', select: `('article ' || lpad(n::text, 10, '0'))::text AS slug` },
  {
    name: 'text under ICU',
    columns: 'slug',
    select: `('article ' || lpad(n::text, 10, '0')) COLLATE "en-x-icu" AS slug`,
  },
  {
    name: 'uuid and bigint',
    columns: 'tenant_id, id',
    select: `lpad(to_hex(n % ${TENANTS}), 32, '0')::uuid AS tenant_id, n::bigint AS id`,
  },
  { name: 'numeric', columns: 'number', select: 'n::numeric / 4 AS number' },
];

const DIMENSIONS = 384;
const BATCH_ROWS = 500;
const FINGERPRINT = 'bench';

export const benchKeys = (
  url: string,
  options: KeysOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<KeysResult> =>
  withBenchDatabase(url, logger, async (database) => {
    const rates = await writeRates(database, options, logger, say);
    const keys: KeysResult['keys'] = [];
    for (const [at, key] of KEYS.entries()) {
      options.onProgress?.({ what: `plan of ${key.name}`, done: at, total: KEYS.length });
      const plan = await planOf(database, key, options.planRows);
      const rowsPerSecond = (rates[at] ?? []).map(Math.round);
      const ratio = ratioOf(rates[at] ?? [], rates[0] ?? []);
      keys.push({ name: key.name, rowsPerSecond, ratio, ...plan });
      say(
        `${key.name}: ${Math.round(median(rates[at] ?? [])).toLocaleString('en-US')} rows/s, against bigint ${showRatio(ratio)}; ${options.planRows.toLocaleString('en-US')} rows planned in ${plan.planSeconds.toFixed(1)} s and ${plan.planMegabytes.toFixed(0)} MB`,
      );
    }
    return { machine: machine(), keys };
  });

async function writeRates(
  database: BenchDatabase,
  { rows, rounds, onProgress }: KeysOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<number[][]> {
  const bench = new WriteBench(database, { rows, dimensions: DIMENSIONS }, logger);
  await bench.prepare();
  const rates = KEYS.map((): number[] => []);
  for (let round = 1; round <= rounds; round++)
    for (const [at, key] of KEYS.entries()) {
      onProgress?.({ what: key.name, done: (round - 1) * KEYS.length + at, total: rounds * KEYS.length });
      const rate = await bench.ours(true, key);
      rates[at]?.push(rate);
      say(`round ${round}: ${key.name}: ${Math.round(rate).toLocaleString('en-US')} rows/s`);
    }
  return rates;
}

async function planOf(
  { pool, url, folder }: BenchDatabase,
  key: BenchKey,
  rows: number,
): Promise<{ planSeconds: number; planMegabytes: number; batches: number }> {
  await migrate(pool);
  await pool.query('DROP TABLE IF EXISTS docs; TRUNCATE pgvector_backfill.backfill CASCADE');
  await pool.query(
    `CREATE TABLE docs AS SELECT ${key.select}, 'text ' || n AS body FROM generate_series(1, ${rows}) n`,
  );
  await pool.query(`ALTER TABLE docs ADD PRIMARY KEY (${key.columns})`);
  await pool.query('VACUUM ANALYZE docs');
  const { settings } = await settledConfig({
    flags: { table: 'docs', text: 'body' },
    env: { DATABASE_URL: url },
    cwd: folder,
  });
  const target = await describeTarget(pool, 'docs', settings);
  await saveBackfill(pool, target, {});
  const facts = { fingerprint: FINGERPRINT, model: 'none', dimensions: DIMENSIONS, batchRows: BATCH_ROWS };
  const run = await createRun(pool, 'docs', facts);
  const measured = await withMemory(() =>
    planRun(pool, target, run, { ...facts, limitRows: null, resuming: false }),
  );
  return { ...measured, batches: await batchesOf(pool, run.uid) };
}

const batchesOf = async (pool: Pool, uid: string): Promise<number> =>
  (await findRun(pool, uid))?.batchesPlanned ?? 0;

/** Looked at every few milliseconds, garbage included. */
async function withMemory(
  work: () => Promise<unknown>,
): Promise<{ planSeconds: number; planMegabytes: number }> {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 20);
  const started = performance.now();
  try {
    await work();
  } finally {
    clearInterval(look);
  }
  return { planSeconds: (performance.now() - started) / 1000, planMegabytes: (most - before) / 1024 ** 2 };
}
