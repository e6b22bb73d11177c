/** What a worker process measures of itself: times of batches and of their steps, rows, tokens, failures; and a span for each step. */

import { SpanStatusCode, trace } from '@opentelemetry/api';
import { Counter, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { parseGenerationName } from '../config/values/generation-name.ts';
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
): MetricDefinition => ({
  name: `${PREFIX}worker_${name}`,
  type,
  labels: ['backfill', 'generation', ...labels],
  help,
});

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

export interface GenerationInstruments {
  step<T>(name: StepName, work: () => Promise<T>): Promise<T>;
  tokens(count: number): void;
  merged(rows: BatchRows, seconds: number): void;
  failed(errorClass: string): void;
}

export class Instruments {
  readonly registry = new Registry();
  readonly #tracer = trace.getTracer('pgvector-backfill');
  readonly #batch: Histogram;
  readonly #step: Histogram;
  readonly #rows: Counter;
  readonly #tokens: Counter;
  readonly #failures: Counter;

  constructor() {
    const of = ({
      name,
      help,
      labels,
    }: MetricDefinition): { name: string; help: string; labelNames: string[]; registers: Registry[] } => ({
      name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
    });
    this.#batch = new Histogram({ ...of(BATCH_SECONDS), buckets: SECONDS });
    this.#step = new Histogram({ ...of(STEP_SECONDS), buckets: SECONDS });
    this.#rows = new Counter(of(ROWS));
    this.#tokens = new Counter(of(TOKENS));
    this.#failures = new Counter(of(FAILURES));
  }

  /** Of the process: processor, memory, event loop, garbage collection, by the names that prom-client gives them. */
  withProcess(): this {
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    return this;
  }

  /** Of one generation: a process serves all of its backfill. @param name in the ledger */
  of(name: string): GenerationInstruments {
    const { backfill, generation } = parseGenerationName(name);
    const labels = { backfill, generation: String(generation) };
    // There from the start, for whoever asks what has come since.
    this.#batch.zero(labels);
    this.#tokens.inc(labels, 0);
    return {
      step: (step, work) => this.#timed({ ...labels, step }, work),
      tokens: (count) => this.#tokens.inc(labels, count),
      merged: (rows, seconds) => {
        this.#batch.observe(labels, seconds);
        for (const outcome of ['embedded', 'skipped', 'quarantined', 'changed'] as const)
          this.#rows.inc({ ...labels, outcome }, rows[outcome]);
      },
      failed: (errorClass) => this.#failures.inc({ ...labels, class: errorClass }),
    };
  }

  /** Also a span, where traces are exported: with counts and ids as attributes, never a text. */
  async #timed<T>(labels: Record<'step', StepName>, work: () => Promise<T>): Promise<T> {
    const end = this.#step.startTimer(labels);
    return this.#tracer.startActiveSpan(`batch ${labels.step}`, async (span) => {
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
}
