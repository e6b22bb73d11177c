/** Forecast and actual, side by side: of writing the vectors and of building their index. */

import { buildMemory, buildTime, heapGrowth } from '../finalize/forecast/wording.ts';
import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { bytes, duration } from '../observability/format.ts';

const beside = (name: string, foretold: string, actual: string | null): string =>
  `${name} ${foretold}${actual === null ? '' : ` (${actual})`}`;

const known = (value: number | null | undefined, show: (value: number) => string): string =>
  value == null ? 'unknown' : show(value);

export function figureLines({ fill, index }: Pick<ProgressSnapshot, 'fill' | 'index'>): string[] {
  return [...fillLines(fill), ...indexLines(index)];
}

function fillLines({ forecast, actual }: ProgressSnapshot['fill']): string[] {
  if (forecast === null) return [];
  const figures = [
    beside('new row versions', heapGrowth(forecast), actual && `grew ${bytes(actual.heapBytes)}`),
    beside('out of line', bytes(forecast.toastBytes), actual && `grew ${bytes(actual.toastBytes)}`),
    beside(
      'other indexes up to',
      bytes(forecast.otherIndexBytes),
      actual && `grew ${bytes(actual.otherIndexBytes)}`,
    ),
    beside('staging', bytes(forecast.stageBytes), actual && `grew ${bytes(actual.stageBytes)}`),
    beside('WAL', bytes(forecast.walBytes), actual && `was ${known(actual.walBytes, bytes)}`),
  ];
  return [`forecast of the vectors: ${figures.join(', ')}`];
}

function indexLines({ forecast, actual }: ProgressSnapshot['index']): string[] {
  if (forecast === null) return [];
  const figures = [
    beside('size', bytes(forecast.sizeBytes), actual && `is ${bytes(actual.sizeBytes)}`),
    beside('WAL', bytes(forecast.walBytes), actual && `was ${known(actual.walBytes, bytes)}`),
    beside('time', known(forecast.seconds, duration), actual && `was ${buildTime(actual)}`),
    beside('memory', bytes(forecast.memoryBytes), actual && buildMemory(actual)),
  ];
  return [`forecast of the build: ${figures.join(', ')}`];
}
