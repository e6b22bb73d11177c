/**
 * `bench write`: how fast ready-made vectors come into a table. Ours (staging by binary COPY, hash-guarded merge, ledger)
 * against psql with a binary file and a plain UPDATE per batch, and against one UPDATE per row. Interleaved rounds, a
 * fresh table for each measurement, in a database of its own that is dropped afterwards.
 */

import type { Logger } from '../../src/observability/logger.ts';
import { withBenchDatabase } from './database.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import { machine, ratioOf, showRatio, type Ratio } from './ratio.ts';
import { WriteBench } from './write-systems.ts';

export interface WriteOptions {
  rows: number;
  dimensions: number;
  rounds: number;
  onProgress?: OnProgress;
}

export interface WriteResult {
  machine: { cpu: string; cores: number };
  rows: number;
  dimensions: number;
  /** Rows a second of each system, per round. */
  systems: { name: string; rowsPerSecond: number[]; oursRatio: Ratio }[];
}

export async function benchWrite(
  url: string,
  options: WriteOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<WriteResult> {
  return withBenchDatabase(url, logger, (database) =>
    rounds(new WriteBench(database, options, logger), options, say),
  );
}

async function rounds(
  bench: WriteBench,
  options: WriteOptions,
  say: (line: string) => void,
): Promise<WriteResult> {
  const systems: [string, () => Promise<number>][] = [
    ['ours: stage and merge', () => bench.ours(false)],
    ['ours: whole batch (read, stage, merge, account)', () => bench.ours(true)],
    ['psql: \\copy of a binary file and UPDATE per batch', () => bench.psql()],
    ['row-by-row UPDATE', () => bench.oneByOne()],
  ];
  const rates = systems.map((): number[] => []);
  await bench.prepare();
  for (let round = 1; round <= options.rounds; round++) {
    for (const [index, [name, measure]] of systems.entries()) {
      const done = (round - 1) * systems.length + index;
      options.onProgress?.({ what: name, done, total: options.rounds * systems.length });
      const rate = await measure();
      rates[index]?.push(rate);
      say(`round ${round}: ${name}: ${Math.round(rate).toLocaleString('en-US')} rows/s`);
    }
  }
  const ours = rates[0] ?? [];
  const result: WriteResult = {
    machine: machine(),
    rows: options.rows,
    dimensions: options.dimensions,
    systems: systems.map(([name], index) => ({
      name,
      rowsPerSecond: (rates[index] ?? []).map(Math.round),
      oursRatio: ratioOf(ours, rates[index] ?? []),
    })),
  };
  // The first is what the others are measured against.
  for (const { name, oursRatio } of result.systems.slice(1))
    say(`stage and merge / ${name}: ${showRatio(oursRatio)}`);
  return result;
}
