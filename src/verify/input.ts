/** What a verification is run with. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import type { Generation } from '../ledger/generation/generation.ts';
import type { Run } from '../ledger/run/run.ts';
import type { OnProgress } from '../observability/progress.ts';
import type { Judgements, Query } from '../relevance/query-file.ts';
import type { Target } from '../table/backfill-target.ts';

/** What the operator brings; first lines of rows stand in for queries where there are none. */
export interface QueryInput {
  queries: readonly Query[] | null;
  judgements: Judgements | null;
}

/** How the options and the model of another generation are come by. */
export type OpenGeneration = (generation: Generation) => Promise<{
  settings: Settings;
  openEmbedder: () => Promise<Embedder>;
}>;

export interface VerifyInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  run: Run;
  /** The configured model; closed behind the check that needs it. */
  openEmbedder: () => Promise<Embedder>;
  /** To be measured against the generation by which reads go; where absent it is not opened. */
  openGeneration?: OpenGeneration;
  /** Asks for everything, also what takes its time: recall curve, filters, latency, relevance or agreement. */
  queryInput?: QueryInput;
  /** Between pages of the count: whether to go on, as `Throttle.pass`. */
  pass?: () => Promise<boolean>;
  onProgress?: OnProgress;
}
