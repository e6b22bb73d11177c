/** How a metric of the dashboard is declared: by a name, and how its samples are read from one view. */

import type { ProgressSnapshot } from '../../ledger/progress/snapshot.ts';
import type { ReadMode } from '../../ledger/reads/read-mode.ts';
import type { ReadTimes } from '../../ledger/reads/read-times.ts';
import type { DataSourceName } from '../feed/outage-notice.ts';
import { PREFIX, type MetricDefinition, type Sample } from '../../observability/metric.ts';

/** What the sources have said of one generation; what is not known is null, or empty. */
export interface MetricsView {
  generation: number;
  snapshot: ProgressSnapshot | null;
  /** Jobs by state, by the queue's role. */
  jobs: Record<string, Record<string, number>>;
  /** Quarantined rows, by class. */
  quarantined: Record<string, number>;
  times: readonly (ReadTimes & { mode: ReadMode })[];
}

/** Of all that are present. */
export interface MetricsViews {
  backfill: string;
  generations: readonly MetricsView[];
  /** Whether each of them has answered. */
  sources: Record<DataSourceName, boolean>;
}

/** Before the labels of each metric that is of a generation. */
export const GENERATION_LABELS = ['backfill', 'generation'] as const;

export interface Metric extends MetricDefinition {
  /** Without those labels. */
  read: (view: MetricsView) => Sample[];
}

type Declare<V> = (
  name: string,
  type: 'gauge' | 'counter',
  labels: readonly string[],
  help: string,
  read: (view: V) => Sample[],
) => Metric;

/** Of the snapshot: absent without it. */
export const metric: Declare<MetricsView & { snapshot: ProgressSnapshot }> = (
  name,
  type,
  labels,
  help,
  read,
) =>
  metricBeside(name, type, labels, help, (view) =>
    view.snapshot === null ? [] : read({ ...view, snapshot: view.snapshot }),
  );

/** Of what is known beside the snapshot. */
export const metricBeside: Declare<MetricsView> = (name, type, labels, help, read) => ({
  name: PREFIX + name,
  type,
  labels: [...GENERATION_LABELS, ...labels],
  help,
  read,
});

/** Nothing where the value is not known. */
export const known = (value: number | null | undefined): Sample[] =>
  value === null || value === undefined ? [] : [{ value }];
export const byLabel = (label: string, values: Record<string, number | null | undefined>): Sample[] =>
  Object.entries(values).flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [{ labels: { [label]: name }, value }],
  );
/** 1 for the present one, 0 for the others. */
export const oneOf = (label: string, all: readonly string[], present: string): Sample[] =>
  all.map((each) => ({ labels: { [label]: each }, value: each === present ? 1 : 0 }));
