/** Options, with what `tune` has put in their place. */

import type { Settings } from '../config/settings.ts';
import type { Limits, Tuned } from '../ledger/progress/throttle-state.ts';
import type { SignalName } from './signals.ts';

export interface TunedOptions {
  mergeRows: number;
  concurrency: number;
  /** Null = no limit. */
  rowsPerSecond: number | null;
  limits: (name: SignalName) => Limits;
}

export function tunedOptions(settings: Settings, tuned: Tuned): TunedOptions {
  return {
    mergeRows: tuned.mergeRows ?? settings.mergeRows,
    concurrency: tuned.concurrency ?? settings.worker.concurrency,
    rowsPerSecond:
      tuned.rowsPerSecond === undefined ? (settings.throttle.rowsPerSecond ?? null) : tuned.rowsPerSecond,
    limits: (name) => tuned.thresholds?.[name] ?? settings.throttle[name],
  };
}
