/** A backfill under test: a database of its own, a table, and the verbs' own functions in this process. */

import { loadConfig, type Config } from '../../src/config/load.ts';
import { settingsWithModel } from '../../src/embedding/find-model.ts';
import { modelCandidates } from '../../src/ledger/generation/settings.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { accountFor, type Accounting } from '../../src/ledger/rows/accounting.ts';
import { openBatchCounts } from '../../src/ledger/batch/batch.ts';
import { progressSnapshot, type ProgressSnapshot } from '../../src/ledger/progress/snapshot.ts';
import { latestRun, type Run } from '../../src/ledger/run/run.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import type { EnqueueResult } from '../../src/planning/enqueue.ts';
import { keyRefs, keyTextSql } from '../../src/table/key.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import type { QueryInput } from '../../src/verify/input.ts';
import { verify, type Verification } from '../../src/verify/verify.ts';
import { enqueueRun, withPreflight } from '../../src/planning/enqueue-run.ts';
import type { WorkerProcess } from '../../src/worker/process.ts';
import { startWorkers } from '../../workers/process.ts';
import { QUEUE_ROLES, type QueueRole } from '../../src/queue/connection.ts';
import type { WorkerTimes } from '../../src/worker/times.ts';
import type { TestDatabase } from './databases.ts';
import { sharedEmbedder } from './embedder.ts';
import type { TestModel } from './model.ts';
import { until } from './until.ts';

export interface TestBackfill {
  config: Config;
  pool: Pool;
  /** For verbs in processes of their own. */
  env: Record<string, string>;
  enqueue(limitRows?: number): Promise<EnqueueResult>;
  /** In this process, of all roles where none are named. They have to be drained. */
  workers(roles?: readonly QueueRole[], times?: WorkerTimes): Promise<WorkerProcess>;
  /** Workers of all roles until nothing moves any more. */
  work(): Promise<ProgressSnapshot>;
  snapshot(): Promise<ProgressSnapshot>;
  /** Batches of the run; to be asked again and again, where a snapshot takes a dozen statements. */
  merged(): Promise<number>;
  run(): Promise<Run>;
  target(): Promise<Target>;
  account(): Promise<Accounting>;
  verify(queryInput?: QueryInput): Promise<Verification>;
  /** One digest over every key and vector: two runs that give the same table give the same. */
  vectorDigest(): Promise<string>;
  close(): Promise<void>;
}

/** A table of few distinct texts is a graph of islands, in which recall is luck: for tests of something else. */
export const REPEATED_TEXTS = { BACKFILL_VERIFY_RECALL: '0' } as const;

/** Jobs of a worker that is gone are found at once, and rows that are held are looked at again at once. */
const SOON: WorkerTimes = { stalledIntervalMs: 500, passMs: 100 };
/** For a worker that is to be killed: its jobs are free soon after. */
export const TO_BE_KILLED: WorkerTimes = { lockMs: 2000, stalledIntervalMs: 500 };

export async function openBackfill(
  database: TestDatabase,
  model: TestModel,
  options: Record<string, string>,
  { pinned = false, name }: { pinned?: boolean; name?: string } = {},
): Promise<TestBackfill> {
  const env: Record<string, string> = {
    DATABASE_URL: database.databaseUrl,
    QUEUE_URL: database.queueUrl,
    BACKFILL_MODEL_LOCAL_PATH: model.localPath,
    BACKFILL_MODEL_NAME: model.name,
    BACKFILL_MODEL_QUANTIZED: 'false',
    BACKFILL_THREADS: '1',
    BACKFILL_LOG_LEVEL: 'silent',
    ...options,
  };
  const config = await loadConfig({ flags: {}, env, cwd: model.localPath, backfill: name });
  const { url } = config.settings.database;
  const pool = createPool(url, { name: 'test', max: 8, logger: silentLogger, pinned });
  const close = async (): Promise<void> => {
    await pool.end();
    await database.drop();
  };
  return testBackfill(config, pool, env, close);
}

/** Of a configuration, such as that of another generation. */
export function testBackfill(
  config: Config,
  pool: Pool,
  env: Record<string, string>,
  close: () => Promise<void>,
): TestBackfill {
  const { settings, backfill } = config;
  const logger = silentLogger;
  const target = (): Promise<Target> => describeTarget(pool, backfill, settings);
  const workers = (roles = QUEUE_ROLES, times = SOON): Promise<WorkerProcess> =>
    startWorkers(config, pool, logger, roles, { openEmbedder: sharedEmbedder, times });
  const run = async (): Promise<Run> => {
    const latest = await latestRun(pool, backfill);
    if (latest === null) throw new Error('nothing was enqueued');
    return latest;
  };
  return {
    config,
    pool,
    env,
    run,
    workers,
    target,
    snapshot: () => progressSnapshot(pool, backfill),
    async merged() {
      const found = await pool.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pgvector_backfill.batch WHERE run = $1 AND state = 'merged'`,
        [(await run()).id],
      );
      return found.rows[0]?.n ?? 0;
    },
    account: async () => accountFor(pool, await target(), (await run()).fingerprint),
    verify: async (queryInput) =>
      verify({
        pool,
        target: await target(),
        settings,
        run: await run(),
        openEmbedder: () => sharedEmbedder(settings, 1),
        async openGeneration(other) {
          const its = await settingsWithModel(modelCandidates(settings, other), other.run);
          return { settings: its, openEmbedder: () => sharedEmbedder(its, 1) };
        },
        ...(queryInput === undefined ? {} : { queryInput }),
      }),
    enqueue: (limitRows) =>
      withPreflight(config, pool, sharedEmbedder, (preflight) => {
        if (!preflight.passed) throw new Error(preflight.blocking.map((each) => each.message).join('; '));
        return enqueueRun(config, pool, logger, preflight, { limitRows: limitRows ?? null });
      }),
    async work() {
      const running = await workers();
      try {
        return await untilSettled(pool, backfill);
      } finally {
        await running.drain();
      }
    },
    async vectorDigest() {
      const described = await target();
      const { table, column } = described.store;
      const key = keyTextSql(described, keyRefs(described));
      const found = await pool.query<{ digest: string }>(
        `SELECT md5(string_agg(${key} || ':' || coalesce("${column}"::text, ''), ',' ORDER BY ${key} COLLATE "C")) AS digest FROM ${table}`,
      );
      return found.rows[0]?.digest ?? '';
    },
    close,
  };
}

/** Until no batch is on its way and the state is one that waits for a person. */
export const untilSettled = (pool: Pool, backfill: string): Promise<ProgressSnapshot> =>
  until('the run is settled', async () => {
    // The whole snapshot, of a dozen statements, only where it is wanted.
    const run = await latestRun(pool, backfill);
    if (run === null) return null;
    const { state, reason } = run;
    const moving = (await openBatchCounts(pool, run.id, 0)).open > 0;
    const waits =
      (state === 'running' || state === 'verifying') &&
      reason !== '' &&
      !reason.startsWith('the index is built');
    return state === 'failed' || state === 'paused' || (!moving && (state === 'ready' || waits))
      ? progressSnapshot(pool, backfill)
      : null;
  });
