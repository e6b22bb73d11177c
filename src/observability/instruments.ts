/** What a worker process measures of itself: times of batches and of their steps, rows, tokens, failures; and a span for each step. */

import { SpanStatusCode, trace } from '@opentelemetry/api';
import { Counter, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { PREFIX, type MetricDefinition } from './metric.ts';

/** Steps of a batch, as in docs/architecture.md; `account` closes it. */
export type StepName = 'adopt' | 'read' | 'embed' | 'stage' | 'merge' | 'account';
export type BatchRows = Record<'embedded' | 'skipped' | 'quarantined' | 'changed', number>;

/** From a hundredth of a second to ten minutes. */
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

const definition = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
): MetricDefinition => ({ name: `${PREFIX}worker_${name}`, type, labels: ['generation', ...labels], help });

const BATCH_SECONDS = definition(
  'batch_seconds',
  'histogram',
  [],
  'Time of a merged batch, from its claim on.',
);
const STEP_SECONDS = definition(
  'step_seconds',
  'histogram',
  ['step'],
  'Time of a step of a batch: adopt (vectors that are there already), read, embed, stage, merge, account.',
);
const ROWS = definition(
  'rows_total',
  'counter',
  ['outcome'],
  'Rows of merged batches: embedded, skipped, quarantined, or changed meanwhile.',
);
const TOKENS = definition('tokens_total', 'counter', [], 'Tokens that the model has read.');
const FAILURES = definition(
  'batch_failures_total',
  'counter',
  ['class'],
  'Attempts of batches that failed, by the class of the error; all but those of class configuration are tried again.',
);

export const WORKER_METRICS: readonly MetricDefinition[] = [
  BATCH_SECONDS,
  STEP_SECONDS,
  ROWS,
  TOKENS,
  FAILURES,
];

/** Gauges of prom-client's that end in `_total`, which means a counter; the same are there by type under other names. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

interface Metrics {
  registry: Registry;
  batch: Histogram;
  step: Histogram;
  rows: Counter;
  tokens: Counter;
  failures: Counter;
}

function metricsOf(registry: Registry): Metrics {
  const of = ({
    name,
    help,
    labels,
  }: MetricDefinition): { name: string; help: string; labelNames: string[]; registers: Registry[] } => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    registry,
    batch: new Histogram({ ...of(BATCH_SECONDS), buckets: SECONDS }),
    step: new Histogram({ ...of(STEP_SECONDS), buckets: SECONDS }),
    rows: new Counter(of(ROWS)),
    tokens: new Counter(of(TOKENS)),
    failures: new Counter(of(FAILURES)),
  };
}

export class Instruments {
  readonly #metrics: Metrics;
  readonly #tracer = trace.getTracer('pgvector-backfill');
  readonly #generation: string;

  constructor(generation = 1, metrics = metricsOf(new Registry())) {
    this.#metrics = metrics;
    this.#generation = String(generation);
    // There from the start, for whoever asks what has come since.
    this.#metrics.batch.zero({ generation: this.#generation });
    this.#metrics.tokens.inc({ generation: this.#generation }, 0);
  }

  get registry(): Registry {
    return this.#metrics.registry;
  }

  /** Of another generation of the process, by the same names. */
  of(generation: number): Instruments {
    return new Instruments(generation, this.#metrics);
  }

  /** Of the process: processor, memory, event loop, garbage collection, by the names that prom-client gives them. */
  withProcess(): this {
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    return this;
  }

  /** Also a span, where traces are exported: with counts and ids as attributes, never a text. */
  async step<T>(name: StepName, work: () => Promise<T>): Promise<T> {
    const end = this.#metrics.step.startTimer({ generation: this.#generation, step: name });
    return this.#tracer.startActiveSpan(`batch ${name}`, async (span) => {
      try {
        return await work();
      } catch (error) {
        // The message may hold values of rows.
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        end();
        span.end();
      }
    });
  }

  tokens(count: number): void {
    this.#metrics.tokens.inc({ generation: this.#generation }, count);
  }

  merged(rows: BatchRows, seconds: number): void {
    const generation = this.#generation;
    this.#metrics.batch.observe({ generation }, seconds);
    for (const outcome of ['embedded', 'skipped', 'quarantined', 'changed'] as const)
      this.#metrics.rows.inc({ generation, outcome }, rows[outcome]);
  }

  failed(errorClass: string): void {
    this.#metrics.failures.inc({ generation: this.#generation, class: errorClass });
  }
}
