/** `/metrics` of the dashboard: the snapshot of the progress page, the queues' counts and the searches' times, for Prometheus. */

import type { ReadMode } from '../../ledger/reads/read-mode.ts';
import type { ReadTimes } from '../../ledger/reads/read-times.ts';
import { bucketEndMs, BUCKETS } from '../../observability/histogram.ts';
import { PREFIX, Scrape, type Distribution, type MetricDefinition } from '../../observability/metric.ts';
import { GENERATION_LABELS, type Metric, type MetricsView, type MetricsViews } from './declare.ts';
import { INDEX_METRICS } from './index-metrics.ts';
import { READ_METRICS } from './read-metrics.ts';
import { RUN_METRICS } from './run-metrics.ts';
import { WATCH_METRICS } from './watch-metrics.ts';

const METRICS: readonly Metric[] = [...RUN_METRICS, ...INDEX_METRICS, ...READ_METRICS, ...WATCH_METRICS];

const SEARCH_SECONDS: MetricDefinition = {
  name: `${PREFIX}search_seconds`,
  type: 'histogram',
  labels: [...GENERATION_LABELS, 'mode'],
  help: 'Time of applications’ searches by createSearch, model and database together, by read mode and the generation whose vectors have answered.',
};

/** 73 buckets are more than a series needs: every fourth end, each twice the one before. */
const EVERY = 4;

function distributionOf(
  of: Record<string, string>,
  { mode, ms, totalMs }: ReadTimes & { mode: ReadMode },
): Distribution {
  const counts: number[] = [];
  const ends: number[] = [];
  for (let first = 0; first < BUCKETS; first += EVERY) {
    // The first bucket stands alone, so that the ends are the powers of two of a quarter of a millisecond.
    const from = first === 0 ? 0 : first - EVERY + 1;
    counts.push(ms.slice(from, first + 1).reduce((sum, each) => sum + each, 0));
    // Powers of a root are off by a last digit, which would be part of the label.
    ends.push(Number((bucketEndMs(first) / 1000).toPrecision(6)));
  }
  return { labels: { ...of, mode }, ends, counts, sum: totalMs / 1000 };
}

/** Of no generation: where PostgreSQL is away, nobody knows which there are. */
const SOURCE_UP: MetricDefinition = {
  name: `${PREFIX}source_up`,
  type: 'gauge',
  labels: ['backfill', 'source'],
  help: '1 where the source answered this scrape in time, 0 where it did not: database (PostgreSQL with the ledger) and queue. What is of a source that did not answer is absent.',
};

export function scrape({ backfill, generations, sources }: MetricsViews): Scrape {
  const result = new Scrape();
  result.add(
    SOURCE_UP,
    Object.entries(sources).map(([source, up]) => ({ labels: { backfill, source }, value: Number(up) })),
  );
  const labelsOf = ({ generation }: MetricsView): Record<string, string> => ({
    backfill,
    generation: String(generation),
  });
  for (const metric of METRICS)
    result.add(
      metric,
      generations.flatMap((view) =>
        metric.read(view).map(({ labels, value }) => ({ labels: { ...labelsOf(view), ...labels }, value })),
      ),
    );
  result.addHistogram(
    SEARCH_SECONDS,
    generations.flatMap((view) => view.times.map((times) => distributionOf(labelsOf(view), times))),
  );
  return result;
}

/** All that a scrape of the dashboard can hold. */
export const DASHBOARD_METRICS: readonly MetricDefinition[] = [SOURCE_UP, ...METRICS, SEARCH_SECONDS];
