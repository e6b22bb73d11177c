/** Signals of the throttle as metrics: one for each unit, for a unit belongs into a metric's name. */

import type { SignalState } from '../../ledger/progress/throttle-state.ts';
import { metric, type Metric } from './declare.ts';

/** By the unit of the signal. */
const SUFFIXES: Record<string, string> = {
  s: 'seconds',
  bytes: 'bytes',
  'bytes/s': 'bytes_per_second',
  files: 'files',
  level: 'level',
  sessions: 'sessions',
  share: 'ratio',
  number: 'value',
};

export function signalMetrics(): Metric[] {
  return Object.entries(SUFFIXES).flatMap(([unit, suffix]) => {
    const ofUnit = (signals: readonly SignalState[]): SignalState[] =>
      signals.filter((signal) => signal.unit === unit);
    return [
      metric(
        `throttle_signal_${suffix}`,
        'gauge',
        ['signal'],
        'What the workers saw last; absent where it is not known.',
        ({ snapshot }) =>
          ofUnit(snapshot.throttle.signals).flatMap(({ name, value }) =>
            value === null ? [] : [{ labels: { signal: name }, value }],
          ),
      ),
      metric(
        `throttle_threshold_${suffix}`,
        'gauge',
        ['signal', 'action'],
        'Where the signal holds the run, and where it stops it.',
        ({ snapshot }) =>
          ofUnit(snapshot.throttle.signals).flatMap(({ name, hold, stop }) =>
            [['hold', hold] as const, ['stop', stop] as const].flatMap(([action, value]) =>
              value === null ? [] : [{ labels: { signal: name, action }, value }],
            ),
          ),
      ),
    ];
  });
}
