/** Table docs with two generations that are ready, as `enqueue` plans them, by models that cost nothing and without a worker. */

import { loadConfig, type Config } from '../../../src/config/load.ts';
import { withValues } from '../../../src/config/shape.ts';
import { generationName } from '../../../src/config/values/generation-name.ts';
import { planEnding, type Ending } from '../../../src/cutover/generation/end-generation.ts';
import type { EndingVerb } from '../../../src/cutover/generation/in-use.ts';
import { rollbackTarget } from '../../../src/cutover/rollback-target.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { createIndexSql, wantedIndex } from '../../../src/finalize/index-definition.ts';
import { describeTarget } from '../../../src/ledger/backfill/describe-target.ts';
import { saveReadMode, type WantedReads } from '../../../src/ledger/reads/read-mode.ts';
import { moveRun } from '../../../src/ledger/run/move-run.ts';
import { latestRun, type Run } from '../../../src/ledger/run/run.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { IdenticalVectorsCheck } from '../../../src/pipeline/identical-vectors.ts';
import { processBatch } from '../../../src/pipeline/process-batch.ts';
import { enqueueRun } from '../../../src/planning/enqueue-run.ts';
import { prepareQueues, withQueues } from '../../../src/planning/open-queues.ts';
import { Throttle } from '../../../src/throttle/throttle.ts';
import type { Embedder } from '../../../src/embedding/embedder.ts';
import type { StoreKind } from '../../../src/table/store.ts';
import { runCommand, type CommandResult } from '../../setup/command.ts';
import type { TestDatabase } from '../../setup/databases.ts';
import { createDocs } from '../../setup/docs-table.ts';
import { hashEmbedder } from '../../setup/whole-run.ts';

export const ROWS = 60;

export interface TwoGenerations {
  pool: Pool;
  env: Record<string, string>;
  configs: Record<1 | 2, Config>;
  /** Enqueued, and where it is `embedded` also that, with an index. */
  plan: (generation: 1 | 2, embedded?: boolean) => Promise<void>;
  run: (generation: 1 | 2) => Promise<Run | null>;
  /** An hour ago: longer than applications need to see it, and than the server needs to add up the scans before. */
  reads: (choice: WantedReads) => Promise<void>;
  verb: (name: string, ...args: string[]) => Promise<CommandResult>;
  /** As the verb plans it. */
  ending: (
    generation: 1 | 2,
    action: EndingVerb,
    work: (plan: () => Promise<Ending>) => Promise<void>,
  ) => Promise<void>;
  close: () => Promise<void>;
}

export interface TableOptions {
  rows?: number;
  /** `docs (id, body)`. */
  createTable?: (pool: Pool, rows: number) => Promise<void>;
  /** Beside the usual ones, as in the environment. */
  options?: Record<string, string>;
  /** Of the first and the second; a column each where absent. */
  stores?: readonly [StoreKind, StoreKind];
}

/** Of 8 and 16 dimensions. */
export const embedderOf = (generation: 1 | 2): Embedder => ({
  ...hashEmbedder(8 * generation),
  model: `hash-${generation}`,
  fingerprint: String(generation).repeat(64),
});

export async function openGenerations(
  database: TestDatabase,
  { rows = ROWS, createTable = createDocs, options = {}, stores = ['column', 'column'] }: TableOptions = {},
): Promise<TwoGenerations> {
  const env = {
    DATABASE_URL: database.databaseUrl,
    QUEUE_URL: database.queueUrl,
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'body',
    BACKFILL_BATCH_ROWS: '20',
    BACKFILL_LOG_LEVEL: 'silent',
    BACKFILL_STORE: stores[0],
    ...options,
  };
  const first = await loadConfig({ flags: {}, env, cwd: '/', backfill: undefined });
  const logger = silentLogger;
  const pool = createPool(database.databaseUrl, { name: 'test', max: 8, logger });
  await createTable(pool, rows);
  const second = withValues(first.settings, [
    ['column', 'embedding_2'],
    ['updatedAtColumn', 'embedding_2_updated_at'],
    ['model.name', 'another'],
    ['store', stores[1]],
  ]);
  const configs = {
    1: first,
    2: { ...first, backfill: generationName({ ...first, generation: 2 }), settings: second },
  };
  const run = (generation: 1 | 2): Promise<Run | null> => latestRun(pool, configs[generation].backfill);
  return {
    pool,
    env,
    configs,
    run,
    async plan(generation, embedded = true) {
      const config = configs[generation];
      const embedder = embedderOf(generation);
      await enqueueRun(config, pool, logger, { embedder }, { limitRows: null });
      if (!embedded) return;
      const planned = (await run(generation)) as Run;
      const { backfill, settings } = config;
      const target = await describeTarget(pool, backfill, settings);
      const throttle = new Throttle({ pool, backfill, settings, logger });
      const context = {
        pool,
        target,
        settings,
        embedder,
        logger,
        throttle,
        collapse: new IdenticalVectorsCheck(),
      };
      for (let number = 1; number <= planned.batchesPlanned; number++)
        await processBatch(context, planned, number);
      const sql = createIndexSql(target, wantedIndex(target, settings, planned.rowsPlanned));
      await pool.query(target.store.isPartitioned ? sql.replace('CONCURRENTLY ', '') : sql);
      await moveRun(pool, planned.id, ['running'], 'ready', '');
    },
    async reads(choice) {
      await saveReadMode(pool, first.backfill, choice, { by: 'test', reason: '' });
      await pool.query(`UPDATE pgvector_backfill.read_mode SET changed_at = now() - interval '1 hour'`);
    },
    verb: (name, ...args) => runCommand(name, ['--json', ...args], env),
    async ending(generation, action, work) {
      const { backfill, settings } = configs[generation];
      const address = await prepareQueues(configs[generation], pool, logger);
      await withQueues(address, async (queues) =>
        work(async () =>
          planEnding({
            pool,
            ...(await rollbackTarget(pool, backfill, settings)),
            settings,
            queues,
            reason: '',
            action,
            override: null,
          }),
        ),
      );
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}
