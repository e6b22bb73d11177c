/** What both worker roles share. */

import type { Settings } from '../src/config/settings.ts';
import type { Pool } from '../src/db/pool.ts';
import type { Instruments } from '../src/observability/instruments.ts';
import type { Logger } from '../src/observability/logger.ts';
import type { QueueAddress } from '../src/queue/connection.ts';
import type { Throttle } from '../src/throttle/throttle.ts';
import type { WorkerTimes } from './times.ts';

export interface WorkerContext {
  backfill: string;
  settings: Settings;
  pool: Pool;
  address: QueueAddress;
  logger: Logger;
  throttle: Throttle;
  instruments: Instruments;
  times: WorkerTimes;
}

/** A role that is running. */
export interface RunningWorker {
  /** What only another start of the process would mend; null where there is nothing. */
  fault?: () => Promise<string | null>;
  /** Takes no new job and lets those in flight end. */
  close(): Promise<void>;
}
