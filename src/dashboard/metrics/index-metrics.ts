/** Of the index and its build. */

import { byLabel, known, metric, type Metric } from './declare.ts';

export const INDEX_METRICS: readonly Metric[] = [
  metric(
    'index_valid',
    'gauge',
    [],
    '1 where the run’s index is valid, 0 where it is not there or not valid.',
    ({ snapshot }) => known(snapshot.index.valid ? 1 : 0),
  ),
  metric(
    'index_build_progress_ratio',
    'gauge',
    [],
    'Of the build’s present phase, 0 to 1; absent where it has no measure.',
    ({ snapshot }) => known(snapshot.index.progress),
  ),
  metric(
    'index_build_seconds_left',
    'gauge',
    [],
    'To the end of the build’s present phase, by how far it has come lately; absent where nobody can tell.',
    ({ snapshot }) => known(snapshot.index.secondsLeft),
  ),
  metric('index_build_blockers', 'gauge', [], 'Sessions that the build waits for.', ({ snapshot }) =>
    known(snapshot.index.blockers.length),
  ),
  metric(
    'index_build_seconds',
    'gauge',
    ['kind'],
    'Time of the build: forecast and actual.',
    ({ snapshot: { index } }) =>
      byLabel('kind', { forecast: index.forecast?.seconds, actual: index.actual?.seconds }),
  ),
  metric(
    'index_size_bytes',
    'gauge',
    ['kind'],
    'Size of the index: forecast and actual.',
    ({ snapshot: { index } }) =>
      byLabel('kind', { forecast: index.forecast?.sizeBytes, actual: index.actual?.sizeBytes }),
  ),
  metric(
    'index_wal_bytes',
    'gauge',
    ['kind'],
    'WAL of the build: forecast and actual.',
    ({ snapshot: { index } }) =>
      byLabel('kind', { forecast: index.forecast?.walBytes, actual: index.actual?.walBytes }),
  ),
];
