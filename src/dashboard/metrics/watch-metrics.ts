/** Of the last pass of the watch: absent before the first one. */

import { WATCH_VERDICTS, type WatchRecall } from '../../ledger/passes/pass-result.ts';
import type { WatchPass } from '../../ledger/passes/watch-pass.ts';
import type { Sample } from '../../observability/metric.ts';
import { byLabel, known, metric, oneOf, type Metric } from './declare.ts';

/** Nothing where there was no pass. */
const ofPass =
  (read: (pass: WatchPass) => Sample[]) =>
  ({ snapshot: { watch } }: { snapshot: { watch: WatchPass | null } }): Sample[] =>
    watch === null ? [] : read(watch);

/** With the settings of reads. */
const bySource = (
  value: (recall: WatchRecall) => number,
): ((view: { snapshot: { watch: WatchPass | null } }) => Sample[]) =>
  ofPass(({ result: { points } }) =>
    byLabel(
      'source',
      Object.fromEntries(
        Object.entries(points[0]?.recall ?? {}).map(([source, recall]) => [source, value(recall)]),
      ),
    ),
  );

const SOURCE = 'by source of the queries: rows, or queries (recorded searches)';

export const WATCH_METRICS: readonly Metric[] = [
  metric(
    'watch_recall_ratio',
    'gauge',
    ['source'],
    `Recall@10 of the live index against exact search at the last pass of the watch, ${SOURCE}.`,
    bySource(({ recall }) => recall),
  ),
  metric(
    'watch_recall_lower_ratio',
    'gauge',
    ['source'],
    'Lower end of its 95 % interval.',
    bySource(({ low }) => low),
  ),
  metric(
    'watch_recall_upper_ratio',
    'gauge',
    ['source'],
    'Upper end of its 95 % interval.',
    bySource(({ high }) => high),
  ),
  metric(
    'watch_recall_wanted_ratio',
    'gauge',
    [],
    'What verify.recall wanted of it.',
    ofPass(({ result }) => known(result.wanted)),
  ),
  metric(
    'watch_verdict',
    'gauge',
    ['verdict'],
    'Verdict of the last pass: 1 for what it was, 0 for the others.',
    ofPass(({ verdict }) => oneOf('verdict', WATCH_VERDICTS, verdict)),
  ),
  metric(
    'watch_age_seconds',
    'gauge',
    [],
    'Since the last pass.',
    ofPass(({ ageSeconds }) => known(ageSeconds)),
  ),
  metric(
    'watch_search_seconds',
    'gauge',
    ['quantile'],
    'Time of its searches by the index, without the model.',
    ofPass(({ result: { points } }) => {
      const seconds = (ms: number | undefined): number | null => (ms === undefined ? null : ms / 1000);
      return byLabel('quantile', { 0.5: seconds(points[0]?.p50Ms), 0.95: seconds(points[0]?.p95Ms) });
    }),
  ),
  metric(
    'watch_dead_entries_ratio',
    'gauge',
    [],
    'Of the entries that its searches met, the share of rows that are gone; absent where that cannot be seen (HNSW only).',
    ofPass(({ result: { wear } }) => known(wear.deadEntries)),
  ),
  metric(
    'watch_table_rows',
    'gauge',
    ['state'],
    'Live and dead rows of the table that holds the vectors, by PostgreSQL’s statistics.',
    ofPass(({ result: { wear } }) => byLabel('state', { live: wear.liveRows, dead: wear.deadRows })),
  ),
  metric(
    'watch_index_bytes',
    'gauge',
    ['kind'],
    'Size of the index: actual, forecast for the present rows, and built.',
    ofPass(({ result: { wear } }) =>
      byLabel('kind', { actual: wear.indexBytes, forecast: wear.forecastBytes, built: wear.builtBytes }),
    ),
  ),
  metric(
    'watch_filtered_short_ratio',
    'gauge',
    ['selectivity'],
    'Of its searches that keep such a share of the rows, those that the index alone gave fewer hits than there are.',
    ofPass(({ result: { filtered } }) =>
      filtered.map(({ selectivity, short, queries }) => ({
        labels: { selectivity: String(selectivity) },
        value: short / queries,
      })),
    ),
  ),
  metric(
    'watch_freshness_distance',
    'gauge',
    [],
    'Of the rows that it embedded again, the largest 1 − cosine to what is stored; absent where the model was not there.',
    ofPass(({ result: { freshness } }) => known(freshness?.worst)),
  ),
];
