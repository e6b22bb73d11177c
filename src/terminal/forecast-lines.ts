/** Forecast and actual, side by side: of writing the vectors and of building their index. */

import { buildMemory, buildTime, heapGrowth } from '../finalize/forecast/wording.ts';
import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { bytes, duration } from '../observability/format.ts';

const beside = (name: string, forecast: string, actual: string | null): string =>
  `${name} ${forecast}${actual === null ? '' : ` (${actual})`}`;

const known = (value: number | null | undefined, show: (value: number) => string): string =>
  value == null ? 'unknown' : show(value);

export function forecastLines({
  tableGrowth,
  index,
}: Pick<ProgressSnapshot, 'tableGrowth' | 'index'>): string[] {
  return [...tableGrowthLines(tableGrowth), ...indexLines(index)];
}

function tableGrowthLines({ forecast, actual }: ProgressSnapshot['tableGrowth']): string[] {
  if (forecast === null) return [];
  const { tableBytes } = forecast;
  const written =
    tableBytes !== undefined
      ? [beside('table of vectors', bytes(tableBytes), actual && `grew ${known(actual.tableBytes, bytes)}`)]
      : [
          beside('new row versions', heapGrowth(forecast), actual && `grew ${bytes(actual.heapBytes)}`),
          beside('out of line', bytes(forecast.toastBytes), actual && `grew ${bytes(actual.toastBytes)}`),
          beside(
            'other indexes up to',
            bytes(forecast.otherIndexBytes),
            actual && `grew ${bytes(actual.otherIndexBytes)}`,
          ),
        ];
  const parts = [
    ...written,
    beside('staging', bytes(forecast.stageBytes), actual && `grew ${bytes(actual.stageBytes)}`),
    beside('WAL', bytes(forecast.walBytes), actual && `was ${known(actual.walBytes, bytes)}`),
  ];
  return [`forecast of the table growth: ${parts.join(', ')}`];
}

function indexLines({ forecast, actual }: ProgressSnapshot['index']): string[] {
  if (forecast === null) return [];
  const parts = [
    beside('size', bytes(forecast.sizeBytes), actual && `is ${bytes(actual.sizeBytes)}`),
    beside('WAL', bytes(forecast.walBytes), actual && `was ${known(actual.walBytes, bytes)}`),
    beside('time', known(forecast.seconds, duration), actual && `was ${buildTime(actual)}`),
    beside('memory', bytes(forecast.memoryBytes), actual && buildMemory(actual)),
  ];
  return [`forecast of the build: ${parts.join(', ')}`];
}
