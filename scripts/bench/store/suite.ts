/**
 * `bench store`: vectors in a column of the table against vectors beside it, on a table with six indexes and a trigger on each
 * update. What writing them takes, what the application's own writes wait for meanwhile, and what a search takes then.
 */

import type { Logger } from '../../../src/observability/logger.ts';
import type { OnProgress } from '../../../src/observability/progress.ts';
import type { PipelineContext } from '../../../src/pipeline/pipeline-context.ts';
import { bytes } from '../../../src/observability/format.ts';
import type { StoreKind } from '../../../src/table/store.ts';
import { withBenchDatabase } from '../database.ts';
import { machine, median, ratioOf, showRatio, type Ratio } from '../ratio.ts';
import { measurePassages, type PassageMeasures } from './passages.ts';
import { measureSearches, type SearchMeasures } from './searches.ts';
import { prepareTables, writeInto, type WriteMeasures } from './writes.ts';

export interface StoreOptions {
  rows: number;
  dimensions: number;
  rounds: number;
  onProgress?: OnProgress;
}

export interface StoreResult {
  machine: { cpu: string; cores: number };
  rows: number;
  dimensions: number;
  /** By store, per round. */
  writes: Record<StoreKind, WriteMeasures[]>;
  /** By store, on the tables of the last round. */
  searches: Record<StoreKind, SearchMeasures>;
  /** Behind that, with several vectors a row beside the table. */
  passages: PassageMeasures;
  /** Beside the table, as parts of in a column. */
  ratios: { seconds: Ratio; walBytes: Ratio; searchMs: Ratio };
}

const STORES: readonly StoreKind[] = ['column', 'table'];

export const benchStore = (
  url: string,
  options: StoreOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<StoreResult> =>
  withBenchDatabase(url, logger, async (database) => {
    const writes: StoreResult['writes'] = { column: [], table: [] };
    const contexts: Partial<Record<StoreKind, PipelineContext>> = {};
    await prepareTables(database);
    for (let round = 1; round <= options.rounds; round++)
      for (const [at, store] of STORES.entries()) {
        const done = (round - 1) * STORES.length + at;
        options.onProgress?.({ what: store, done, total: options.rounds * STORES.length });
        const { measures, context } = await writeInto(database, store, options, logger);
        writes[store].push(measures);
        say(`round ${round}, ${store}: ${showWrites(measures)}`);
        contexts[store] = context;
      }
    options.onProgress?.({ what: 'searches', done: 0, total: 1 });
    const searches = await measureSearches(contexts as Record<StoreKind, PipelineContext>);
    for (const store of STORES) say(`${store}: ${showSearches(searches[store])}`);
    options.onProgress?.({ what: 'passages', done: 0, total: 1 });
    const passages = await measurePassages(contexts as Record<StoreKind, PipelineContext>);
    for (const line of showPassages(passages)) say(line);
    const of = (store: StoreKind, field: 'seconds' | 'walBytes'): number[] =>
      writes[store].map((each) => each[field]);
    const ratios = {
      seconds: ratioOf(of('table', 'seconds'), of('column', 'seconds')),
      walBytes: ratioOf(of('table', 'walBytes'), of('column', 'walBytes')),
      searchMs: ratioOf(searches.table.p50Ms, searches.column.p50Ms),
    };
    say(
      `beside the table / in a column: time ${showRatio(ratios.seconds)}, WAL ${showRatio(ratios.walBytes)}, search p50 ${showRatio(ratios.searchMs)}`,
    );
    const { rows, dimensions } = options;
    return { machine: machine(), rows, dimensions, writes, searches, passages, ratios };
  });

const showWrites = (each: WriteMeasures): string =>
  `${each.seconds.toFixed(1)} s, WAL ${bytes(each.walBytes)}, the table grew by ${bytes(each.tableBytes)}, all by ${bytes(each.allBytes)}; ${each.fired} fired triggers; the application's updates waited ${median(each.waitsMs).toFixed(1)} ms, at most ${Math.max(0, ...each.waitsMs).toFixed(0)} ms`;

const showSearches = (each: SearchMeasures): string =>
  `index built in ${each.buildSeconds.toFixed(0)} s; search p50 ${median(each.p50Ms).toFixed(2)} ms, p95 ${median(each.p95Ms).toFixed(2)} ms, recall@10 ${each.recall.toFixed(3)}`;

const showPassages = (each: PassageMeasures): string[] => [
  `passages, one a row / the same as rows: search p50 ${showRatio(each.oneMs)}`,
  `passages, ${each.passagesPerRow} a row / one vector a row in a column, at the same recall: search p50 ${showRatio(each.severalMs)} (${median(each.p50Ms.passages).toFixed(2)} ms, ${median(each.p50Ms.column).toFixed(2)} ms), recall@10 ${each.recall.passages.toFixed(3)} with ef_search ${each.efSearch}, ${each.recall.column.toFixed(3)} with 40`,
  `distinct rows / the nearest passages of the same index: search p50 ${showRatio(each.distinctMs)}`,
  ...each.filters.map(
    ({ keepsOneOf, matching, fewest, p50Ms }) =>
      `a filter that keeps one row of ${keepsOneOf} (${matching} rows): at least ${fewest} hits, p50 ${p50Ms.toFixed(2)} ms`,
  ),
];
