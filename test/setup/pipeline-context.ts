/** What batches and sync work with, for tests that call their steps one by one. */

import type { Embedder } from '../../src/embedding/embedder.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { IdenticalVectorsCheck } from '../../src/pipeline/identical-vectors.ts';
import type { PipelineContext } from '../../src/pipeline/pipeline-context.ts';
import { Throttle } from '../../src/throttle/throttle.ts';
import type { TestBackfill } from './backfill.ts';

export const pipelineContext = async (
  backfill: TestBackfill,
  embedder: Embedder,
): Promise<PipelineContext> => ({
  pool: backfill.pool,
  target: await backfill.target(),
  settings: backfill.config.settings,
  embedder,
  logger: silentLogger,
  collapse: new IdenticalVectorsCheck(),
  throttle: new Throttle({ ...backfill, ...backfill.config, logger: silentLogger }),
});
