/** Doctor, then enqueue: what the verb and the demo both do. */

import type { Config } from '../config/load.ts';
import { migrate } from '../db/migrate.ts';
import type { Pool } from '../db/pool.ts';
import type { Embedder, OpenEmbedder } from '../embedding/embedder.ts';
import type { Logger } from '../observability/logger.ts';
import { blockers, diagnose } from './doctor.ts';
import { enqueue, type EnqueueInput, type EnqueueResult } from './enqueue.ts';
import type { Finding } from './checks/finding.ts';
import type { Target } from '../table/backfill-target.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';
import { keptSettings } from '../ledger/backfill/kept-settings.ts';
import { prepareQueues, withQueues } from './open-queues.ts';

/** What doctor found, and what is open where nothing blocks. */
export type Preflight = { findings: Finding[]; blocking: Finding[] } & (
  | { passed: false }
  | { passed: true; target: Target; embedder: Embedder }
);

/** The embedder is open during `work` and closed behind it. @param processes of inference; few texts are embedded, mostly */
export async function withPreflight<T>(
  config: Config,
  pool: Pool,
  openEmbedder: OpenEmbedder,
  work: (preflight: Preflight) => Promise<T>,
  processes: number | undefined = 1,
): Promise<T> {
  const { settings, backfill } = config;
  const { findings, target, embedder } = await diagnose({
    pool,
    backfill,
    settings,
    openEmbedder: () => openEmbedder(settings, processes),
    withQueue: true,
  });
  try {
    const blocking = blockers(findings);
    const ready = blocking.length === 0 && target !== null && embedder !== null;
    return await work(
      ready ? { findings, blocking, passed: true, target, embedder } : { findings, blocking, passed: false },
    );
  } finally {
    await embedder?.close();
  }
}

export async function enqueueRun(
  config: Config,
  pool: Pool,
  logger: Logger,
  { embedder }: { embedder: Embedder },
  {
    limitRows,
    onProgress,
    adopt = null,
    isNew = false,
  }: Pick<EnqueueInput, 'limitRows' | 'onProgress' | 'adopt' | 'isNew'>,
): Promise<EnqueueResult> {
  await migrate(pool);
  // The migration may have moved the staging table.
  const settings = await keptSettings(pool, config.backfill, config.settings);
  const target = await describeTarget(pool, config.backfill, settings, { planning: true });
  const address = await prepareQueues(config, pool, logger);
  return withQueues(address, (queues) =>
    enqueue({
      pool,
      target,
      settings,
      embedder,
      logger,
      queues,
      limitRows,
      adopt,
      isNew,
      onProgress,
    }),
  );
}
