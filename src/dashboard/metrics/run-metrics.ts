/** Of the run: rows, batches, sync, throttle, queues. */

import { RUN_STATES } from '../../ledger/run/run.ts';
import { byLabel, known, metric, metricBeside, oneOf, type Metric } from './declare.ts';
import { signalMetrics } from './signal-metrics.ts';

export const RUN_METRICS: readonly Metric[] = [
  metric(
    'rows',
    'gauge',
    ['state'],
    'Rows of the legacy table by state. Eligible is the sum of embedded, skipped, quarantined, pending and stale; staged is a part of pending, truncated and adopted of embedded.',
    ({ snapshot }) => byLabel('state', snapshot.rows),
  ),
  metric(
    'coverage_ratio',
    'gauge',
    [],
    'Share of the rows with text that are embedded, 0 to 1.',
    ({ snapshot }) => known(snapshot.run === null ? null : snapshot.coverage),
  ),
  metric(
    'embedded_rows_per_second',
    'gauge',
    [],
    'Rate over the last five minutes while batches are under way, over the whole run afterwards.',
    ({ snapshot }) => known(snapshot.rowsPerSecond),
  ),
  metric(
    'remaining_seconds',
    'gauge',
    [],
    'Time left at the present rate; absent before 1 % and where nothing moves.',
    ({ snapshot }) => known(snapshot.etaSeconds),
  ),
  metric(
    'run_state',
    'gauge',
    ['state'],
    'State of the latest run: 1 for the present one, 0 for the others.',
    ({ snapshot }) => oneOf('state', ['none', ...RUN_STATES], snapshot.state),
  ),
  metric(
    'run_info',
    'gauge',
    ['run', 'model', 'fingerprint', 'dimensions'],
    'The latest run of the generation, and what its vectors are made with; always 1.',
    ({ snapshot: { run, model } }) =>
      run === null || model === null
        ? []
        : [
            {
              labels: {
                run,
                model: model.name,
                fingerprint: model.fingerprint.slice(0, 12),
                dimensions: String(model.dimensions),
              },
              value: 1,
            },
          ],
  ),
  metric('batches', 'gauge', ['state'], 'Batches of the run by state.', ({ snapshot: { batches } }) =>
    byLabel('state', {
      pending: batches.pending,
      staged: batches.staged,
      merged: batches.merged,
      failed: batches.failed,
    }),
  ),
  metric(
    'batch_retries_total',
    'counter',
    [],
    'Attempts of batches of the run beyond the first of each.',
    ({ snapshot }) => known(snapshot.batches.retries),
  ),
  metric('batches_in_progress', 'gauge', [], 'Batches in progress, at most 50.', ({ snapshot }) =>
    known(snapshot.inProgress.length),
  ),
  metric(
    'batch_in_progress_oldest_seconds',
    'gauge',
    [],
    'Since the batch that has been in progress the longest was taken up; absent where none is.',
    ({ snapshot }) => known(snapshot.inProgress[0]?.seconds),
  ),
  metric('tokens_total', 'counter', [], 'Tokens that the model has read, of the run.', ({ snapshot }) =>
    known(snapshot.tokens),
  ),
  metric(
    'masked_values_total',
    'counter',
    ['type'],
    'Values masked before embedding, of the run.',
    ({ snapshot }) => byLabel('type', snapshot.masked),
  ),
  metricBeside(
    'quarantined_rows',
    'gauge',
    ['class'],
    'Quarantined rows: row (no usable vector), too-long (left out by choice), refused (the table takes no update of it), unreadable (its text cannot be computed).',
    ({ quarantined }) => byLabel('class', quarantined),
  ),
  metric(
    'sync_pending_changes',
    'gauge',
    [],
    'Captured changes that are not brought in line yet; counted up to 100,000.',
    ({ snapshot }) => known(snapshot.sync.pending),
  ),
  metric(
    'sync_lag_seconds',
    'gauge',
    [],
    'Age of the oldest of them; 0 where there is none.',
    ({ snapshot }) => known(snapshot.sync.oldestSeconds ?? 0),
  ),
  metric(
    'no_progress_seconds',
    'gauge',
    ['cause'],
    'Since when nothing moves although there is work, by what is in the way: queue-fault, queue-paused, queue-limited, jobs-lost, jobs-not-taken, model-unavailable, no-worker; 0 with the cause none where something moves.',
    ({ snapshot: { stall } }) => [{ labels: { cause: stall?.cause ?? 'none' }, value: stall?.seconds ?? 0 }],
  ),
  metric(
    'worker_clock_ahead_seconds',
    'gauge',
    ['worker'],
    'Of the workers that have reported in the last 2 minutes, what their clock is ahead of the queue’s server; negative where it is behind.',
    ({ snapshot: { workers } }) =>
      workers.flatMap(({ name, clockAheadSeconds }) =>
        clockAheadSeconds === null ? [] : [{ labels: { worker: name }, value: clockAheadSeconds }],
      ),
  ),
  metric(
    'throttle_state',
    'gauge',
    ['state'],
    'Whether the database’s health holds the workers: 1 for the present state.',
    ({ snapshot }) => oneOf('state', ['go', 'hold', 'stopped'], snapshot.throttle.state),
  ),
  metric(
    'throttle_look_age_seconds',
    'gauge',
    [],
    'Since a worker looked at the database’s health last; absent before the first look.',
    ({ snapshot }) => known(snapshot.throttle.ageSeconds),
  ),
  ...signalMetrics(),
  metric(
    'merge_statement_max_seconds',
    'gauge',
    [],
    'Longest statement of the merge in the run.',
    ({ snapshot }) => known(snapshot.longestStatementMs === null ? null : snapshot.longestStatementMs / 1000),
  ),
  metricBeside('queue_jobs', 'gauge', ['queue', 'state'], 'Jobs in the queue.', ({ jobs }) =>
    Object.entries(jobs).flatMap(([queue, counts]) =>
      Object.entries(counts).map(([state, value]) => ({ labels: { queue, state }, value })),
    ),
  ),
];
