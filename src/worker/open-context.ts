/** What a worker process opens before a role starts: queues, the connections of batches, throttle and instruments. */

import type { Config } from '../config/load.ts';
import { plainTextConnections } from '../config/plain-text.ts';
import { createPool, type Pool } from '../db/pool.ts';
import { Instruments } from '../observability/instruments.ts';
import type { Logger } from '../observability/logger.ts';
import { WORKER_NAME } from '../observability/worker-name.ts';
import { fewFiles } from '../process/open-files.ts';
import { checkModelMemory } from '../planning/checks/model-memory.ts';
import { checkStaticMemory } from '../planning/checks/static-memory.ts';
import { checkPooler } from '../planning/checks/pooler.ts';
import { prepareQueues } from '../planning/open-queues.ts';
import { QUEUE_ROLES, type QueueAddress, type QueueRole } from '../queue/connection.ts';
import { assertQueueKeys } from '../queue/redis/key-types.ts';
import { Throttle } from '../throttle/throttle.ts';
import type { WorkerContext } from './context.ts';
import type { WorkerTimes } from './times.ts';

/** Statements of a batch are limited to a minute by the server. */
const MAX_SILENCE_MS = 90_000;
/** Besides one for each batch in flight: for sync and its lease, to look whether the run is to be finalized, or the server there again. */
const SPARE_CONNECTIONS = 4;

/** What is one for all generations. */
export interface ProcessContext {
  pool: Pool;
  logger: Logger;
  /** Of the first generation's queues. */
  address: QueueAddress;
  instruments: Instruments;
  times: WorkerTimes;
  roles: readonly QueueRole[];
}

export interface OpenContext {
  context: WorkerContext;
  /** Of batches and sync: their statements are short, so silence means that the network is gone. */
  batches: Pool;
}

export async function openProcess(
  config: Config,
  pool: Pool,
  processLogger: Logger,
  { times = {}, roles = QUEUE_ROLES }: { times?: WorkerTimes | undefined; roles?: readonly QueueRole[] },
): Promise<ProcessContext> {
  const { settings } = config;
  const logger = processLogger.child({ worker: WORKER_NAME });
  for (const { message, remedy } of plainTextConnections(settings)) logger.warn({ remedy }, message);
  const few = fewFiles(settings.worker.concurrency);
  if (few !== null) logger.warn({ remedy: few.remedy }, few.message);
  // Said now, and not when all rows are done.
  if (roles.includes('finalize'))
    for (const { level, message, remedy } of await checkPooler(settings))
      if (level === 'error') logger.warn({ remedy }, message);
  // This machine may be another than the one that doctor was asked on.
  if (roles.includes('embed'))
    for (const { level, message, remedy } of [
      ...checkModelMemory(settings),
      ...(await checkStaticMemory(settings)),
    ])
      if (level === 'warn') logger.warn({ remedy }, message);
  const address = await prepareQueues(config, pool, logger, times);
  return { pool, logger, address, instruments: new Instruments(), times, roles };
}

/** Of one generation. */
export async function openContext(
  { pool, address: shared, instruments, times }: ProcessContext,
  { settings, backfill }: Config,
  logger: Logger,
): Promise<OpenContext> {
  const address = { ...shared, server: shared, backfill, logger };
  if (backfill !== shared.backfill) await assertQueueKeys(address);
  const batches = createPool(settings.database.url, {
    name: 'worker batches',
    max: settings.worker.concurrency + SPARE_CONNECTIONS,
    logger,
    queryTimeoutMs: MAX_SILENCE_MS,
    table: settings.table,
    pinned: true,
  });
  const throttle = new Throttle({ pool: batches, backfill, settings, logger });
  throttle.onTuned(({ concurrency }) => {
    batches.options.max = concurrency + SPARE_CONNECTIONS;
  });
  return {
    context: {
      backfill,
      settings,
      pool,
      address,
      logger,
      throttle,
      instruments: instruments.of(backfill),
      times,
    },
    batches,
  };
}
