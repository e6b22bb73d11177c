/** What the roles of a worker process share. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import type { GenerationInstruments } from '../observability/instruments.ts';
import type { Logger } from '../observability/logger.ts';
import type { QueueAddress } from '../queue/connection.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { WorkerTimes } from './times.ts';

export interface WorkerContext {
  backfill: string;
  settings: Settings;
  pool: Pool;
  address: QueueAddress;
  logger: Logger;
  throttle: Throttle;
  instruments: GenerationInstruments;
  times: WorkerTimes;
}
