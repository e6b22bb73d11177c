/** Metrics as they are declared, once: for the scrape, and for the page that documents them. */

import { Counter, Gauge, Registry } from 'prom-client';

export interface MetricDefinition {
  /** With its unit at the end, and `_total` of what only grows (https://prometheus.io/docs/practices/naming/). */
  name: string;
  type: 'gauge' | 'counter' | 'histogram';
  labels: readonly string[];
  help: string;
}

export interface Sample {
  labels?: Record<string, string>;
  value: number;
}

/** Counts by bucket, not yet summed up. */
export interface Distribution {
  labels: Record<string, string>;
  /** Upper ends in the metric's unit, rising; the last bucket has none. */
  ends: readonly number[];
  counts: readonly number[];
  sum: number;
}

export const PREFIX = 'pgvector_backfill_';

/** Values that are known from elsewhere, such as the ledger: a registry of one scrape. */
export class Scrape {
  readonly #registry = new Registry();

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** A metric without a sample is left out: absent is not zero. */
  add({ name, type, labels, help }: MetricDefinition, samples: readonly Sample[]): void {
    if (samples.length === 0) return;
    const configuration = { name, help, labelNames: [...labels], registers: [this.#registry] };
    if (type === 'gauge') {
      const gauge = new Gauge(configuration);
      for (const { labels: of = {}, value } of samples) gauge.set(of, value);
    } else {
      const counter = new Counter(configuration);
      for (const { labels: of = {}, value } of samples) counter.inc(of, value);
    }
  }

  /** prom-client counts observations itself and takes no counts of others: it is handed the lines that it would write. */
  addHistogram({ name, help }: MetricDefinition, distributions: readonly Distribution[]): void {
    if (distributions.length === 0) return;
    const values = distributions.flatMap((each) => histogramLines(name, each));
    const metric = {
      name,
      get: () => Promise.resolve({ name, help, type: 'histogram', values, aggregator: 'sum' }),
    };
    this.#registry.registerMetric(metric as never);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

interface Line {
  metricName: string;
  labels: Record<string, string>;
  value: number;
}

function histogramLines(name: string, { labels, ends, counts, sum }: Distribution): Line[] {
  let total = 0;
  const buckets = counts.map((count, bucket) => {
    total += count;
    const end = bucket < counts.length - 1 ? ends[bucket] : undefined;
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: end === undefined ? '+Inf' : String(end) },
      value: total,
    };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  ];
}
