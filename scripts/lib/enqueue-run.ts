/** Doctor, then enqueue: what the verb and the demo both do. */

import type { Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Pool } from '../../src/db/pool.ts';
import type { Embedder, OpenEmbedder } from '../../src/embedding/embedder.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { blockers, diagnose } from '../../src/planning/doctor.ts';
import { enqueue, type EnqueueResult } from '../../src/planning/enqueue.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { describeTarget, type Target } from '../../src/table/backfill-target.ts';
import { prepareQueues, withQueues } from './queues.ts';

/** What doctor found, and what is open where nothing blocks. */
export type Preflight = { findings: Finding[]; blocking: Finding[] } & (
  | { passed: false }
  | { passed: true; target: Target; embedder: Embedder }
);

/** The embedder is open during `work` and closed behind it. */
export async function withPreflight<T>(
  config: Config,
  pool: Pool,
  openEmbedder: OpenEmbedder,
  work: (preflight: Preflight) => Promise<T>,
): Promise<T> {
  const { settings, backfill } = config;
  const { findings, target, embedder } = await diagnose({
    pool,
    backfill,
    settings,
    openEmbedder: () => openEmbedder(settings, 1),
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
  limitRows: number | null,
  onProgress?: OnProgress,
): Promise<EnqueueResult> {
  await migrate(pool);
  // The migration may have moved the staging table.
  const target = await describeTarget(pool, config.backfill, config.settings, { planning: true });
  const address = await prepareQueues(config, pool, logger);
  return withQueues(address, (queues) =>
    enqueue({ pool, target, settings: config.settings, embedder, logger, queues, limitRows, onProgress }),
  );
}
