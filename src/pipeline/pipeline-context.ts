import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import type { GenerationInstruments, StepName } from '../observability/instruments.ts';
import type { Logger } from '../observability/logger.ts';
import type { Target } from '../table/backfill-target.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { IdenticalVectorsCheck } from './identical-vectors.ts';

/** What every step of a batch works with. */
export interface PipelineContext {
  pool: Pool;
  target: Target;
  settings: Settings;
  embedder: Embedder;
  logger: Logger;
  /** One for all batches of a worker. */
  collapse: IdenticalVectorsCheck;
  /** One for a worker process. */
  throttle: Throttle;
  /** Of the process, where somebody looks at it. */
  instruments?: GenerationInstruments | undefined;
}

export const measured = <T>(
  { instruments }: PipelineContext,
  step: StepName,
  work: () => Promise<T>,
): Promise<T> => (instruments === undefined ? work() : instruments.step(step, work));
