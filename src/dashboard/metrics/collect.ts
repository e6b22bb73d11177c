/** What a scrape tells, from each source by itself: one that does not answer takes nothing of the others along. */

import { parseGenerationName } from '../../config/values/generation-name.ts';
import { presentGenerations } from '../../ledger/generation/generation.ts';
import { quarantineCounts } from '../../ledger/rows/quarantine.ts';
import { readTimes } from '../../ledger/reads/read-times.ts';
import type { Pool } from '../../db/pool.ts';
import type { ProgressFeed } from '../feed/progress-feed.ts';
import { withTimeLimit } from '../../time-limit.ts';
import { DataSource, type Answer } from '../feed/data-source.ts';
import type { GenerationQueues, Queues } from '../generation-queues.ts';
import type { MetricsView, MetricsViews } from './declare.ts';

export interface MetricsInput {
  looks: Pool;
  backfill: string;
  queues: GenerationQueues;
  feed: ProgressFeed;
  limitMs?: number | undefined;
}

const valueOf = <T>(answer: Answer<T>): T | null => ('value' in answer ? answer.value : null);

/** Of one source: with what a look waits for besides, and less than a third of Prometheus' own limit of a scrape (10 s). */
const LIMIT_MS = 3000;

type Jobs = MetricsView['jobs'];

export function metricsOf({
  looks,
  backfill,
  queues,
  feed,
  limitMs = LIMIT_MS,
}: MetricsInput): () => Promise<MetricsViews> {
  const each = async <T>(ask: (name: string) => Promise<T>): Promise<Map<number, T>> => {
    const found = (await presentGenerations(looks, backfill)).map(({ name }) => name);
    return byNumber(found.length === 0 ? [backfill] : found, ask);
  };
  const ledger = new DataSource(() => feed.look(), limitMs);
  const rows = new DataSource(() => each((name) => quarantineCounts(looks, name)), limitMs);
  const searches = new DataSource(() => each((name) => readTimes(looks, name)), limitMs);
  const jobs = new DataSource(async () => {
    // What it sees is told to the queues; the queue may be there without PostgreSQL, and then those known before are asked.
    await withTimeLimit(
      limitMs / 2,
      feed.look().catch(() => null),
      () => null,
    );
    return byNumber(queues.names, (name) => jobCounts(queues.of(name)));
  }, limitMs);
  return async () => {
    const [look, quarantined, times, counts] = await Promise.all([
      ledger.ask().then(valueOf),
      rows.ask().then(valueOf),
      searches.ask().then(valueOf),
      jobs.ask().then(valueOf),
    ]);
    const snapshots = new Map(look?.generations.map(({ snapshot }) => [snapshot.generation, snapshot]));
    const numbers = new Set([snapshots, quarantined, times, counts].flatMap((of) => [...(of?.keys() ?? [])]));
    return {
      backfill,
      generations: [...numbers]
        .toSorted((a, b) => a - b)
        .map((generation) => ({
          generation,
          snapshot: snapshots.get(generation) ?? null,
          quarantined: quarantined?.get(generation) ?? {},
          times: times?.get(generation) ?? [],
          jobs: counts?.get(generation) ?? {},
        })),
      sources: {
        database: look !== null && quarantined !== null && times !== null,
        queue: counts !== null,
      },
    };
  };
}

/** One after the other: a scrape takes one connection of each source. */
async function byNumber<T>(
  names: readonly string[],
  ask: (name: string) => Promise<T>,
): Promise<Map<number, T>> {
  const found = new Map<number, T>();
  for (const name of names) found.set(parseGenerationName(name).generation, await ask(name));
  return found;
}

const JOB_STATES = ['waiting', 'active', 'delayed', 'prioritized', 'failed', 'completed'] as const;

async function jobCounts(queues: Queues | null): Promise<Jobs> {
  const counted = Object.entries(queues ?? {}).map(
    async ([role, queue]) => [role, await queue.getJobCounts(...JOB_STATES)] as const,
  );
  return Object.fromEntries(await Promise.all(counted));
}
