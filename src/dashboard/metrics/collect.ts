/** What a scrape tells, from each source by itself: one that does not answer takes nothing of the others along. */

import { quarantineCounts } from '../../ledger/rows/quarantine.ts';
import { readTimes } from '../../ledger/reads/read-times.ts';
import type { Pool } from '../../db/pool.ts';
import type { JobQueue } from '../../queue/connection.ts';
import type { ProgressFeed } from '../feed/progress-feed.ts';
import { DataSource, type Answer } from '../feed/data-source.ts';
import type { MetricsView } from './declare.ts';

export interface MetricsInput {
  looks: Pool;
  backfill: string;
  queues: Record<'embed' | 'finalize' | 'sync', JobQueue>;
  feed: ProgressFeed;
  limitMs?: number | undefined;
}

const valueOf = <T>(answer: Answer<T>): T | null => ('value' in answer ? answer.value : null);

/** Of one source: with what a look waits for besides, and less than a third of Prometheus' own limit of a scrape (10 s). */
const LIMIT_MS = 3000;

export function metricsOf({
  looks,
  backfill,
  queues,
  feed,
  limitMs = LIMIT_MS,
}: MetricsInput): () => Promise<MetricsView> {
  const ledger = new DataSource(() => feed.look(), limitMs);
  const rows = new DataSource(() => quarantineCounts(looks, backfill), limitMs);
  const searches = new DataSource(() => readTimes(looks, backfill), limitMs);
  const jobs = new DataSource(() => jobCounts(queues), limitMs);
  return async () => {
    const [look, quarantined, times, counts] = await Promise.all([
      ledger.ask().then(valueOf),
      rows.ask().then(valueOf),
      searches.ask().then(valueOf),
      jobs.ask().then(valueOf),
    ]);
    return {
      snapshot: look?.snapshot ?? null,
      quarantined: quarantined ?? {},
      times: times ?? [],
      jobs: counts ?? {},
      sources: {
        database: look !== null && quarantined !== null && times !== null,
        queue: counts !== null,
      },
    };
  };
}

const JOB_STATES = ['waiting', 'active', 'delayed', 'prioritized', 'failed', 'completed'] as const;

async function jobCounts(queues: MetricsInput['queues']): Promise<MetricsView['jobs']> {
  const counted = Object.entries(queues).map(
    async ([role, queue]) => [role, await queue.getJobCounts(...JOB_STATES)] as const,
  );
  return Object.fromEntries(await Promise.all(counted));
}
