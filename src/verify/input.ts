/** What a verification is run with. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import type { Run } from '../ledger/run/run.ts';
import type { OnProgress } from '../observability/progress.ts';
import type { Judgements, Query } from '../relevance/query-file.ts';
import type { Target } from '../table/backfill-target.ts';

/** What the operator brings; first lines of rows stand in for queries where there are none. */
export interface QueryInput {
  queries: readonly Query[] | null;
  judgements: Judgements | null;
}

export interface VerifyInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  run: Run;
  /** The configured model; closed behind the check that needs it. */
  openEmbedder: () => Promise<Embedder>;
  /** Asks for everything, also what takes its time: recall curve, filters, latency, relevance or agreement. */
  queryInput?: QueryInput;
  /** Between pages of the count: whether to go on, as `Throttle.pass`. */
  pass?: () => Promise<boolean>;
  onProgress?: OnProgress;
}
