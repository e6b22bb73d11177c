import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { BackfillError } from '../../src/errors.ts';
import { Instruments } from '../../src/observability/instruments.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { Throttle } from '../../src/throttle/throttle.ts';
import { startEmbedWorker } from '../../workers/embed.ts';

const POLL_MS = 20;

/** From the start of a worker to the last batch merged; the run is planned and on the queue before. */
export async function mergeSeconds(
  config: Config,
  pool: Pool,
  embedder: Embedder,
  logger: Logger,
): Promise<number> {
  const { settings, backfill } = config;
  const address = await prepareQueues(config, pool, logger);
  const started = performance.now();
  const throttle = new Throttle({ pool, backfill, settings, logger });
  const worker = startEmbedWorker(
    {
      backfill,
      settings,
      pool,
      address,
      logger,
      throttle,
      instruments: new Instruments().of(backfill),
      times: {},
    },
    embedder,
  );
  try {
    for (;;) {
      const { rows } = await pool.query<{ open: number; failed: number; late: number }>(
        `SELECT count(*) FILTER (WHERE b.state <> 'merged')::int AS open, count(*) FILTER (WHERE b.state = 'failed')::int AS failed,
                extract(epoch FROM clock_timestamp() - max(merged_at))::float8 AS late
           FROM pgvector_backfill.batch b JOIN pgvector_backfill.run r ON r.id = b.run WHERE r.backfill = $1`,
        [backfill],
      );
      const { open = 0, failed = 0, late = 0 } = rows[0] ?? {};
      if (failed > 0) throw new BackfillError(`${failed} batches failed.`, { code: 'BENCH_FAILED' });
      if (open === 0) return (performance.now() - started) / 1000 - late;
      await delay(POLL_MS);
    }
  } finally {
    await worker.stop();
    await withQueues(address, async ({ embed, finalize }) => {
      await embed.obliterate({ force: true });
      await finalize.obliterate({ force: true });
    });
  }
}
