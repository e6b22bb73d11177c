/** The tables of docs/quality.md. */

import { OPTIONS } from '../../../src/config/options.ts';
import { forecastIndex } from '../../../src/finalize/forecast/index-size.ts';
import { bytes, count, duration } from '../../../src/observability/format.ts';
import { decimal, interval, signed } from '../../../src/verify/report/figures.ts';
import type { LearntFusion } from '../../../src/verify/measures/learn-fusion.ts';
import type { SystemScore } from '../../../src/verify/measures/relevance.ts';
import type { Collection } from './collections.ts';
import type { CollectionRuns, WholeRun } from './runs.ts';

const MILLION = 1_000_000;

export interface RelevanceRow extends Omit<SystemScore, 'name'> {
  name: string;
}

/** Both searches by words, then each model; with words as well where nothing was learnt of that. */
export function relevanceRows({ runs }: CollectionRuns): RelevanceRow[] {
  const named = (systems: readonly SystemScore[], system: string, name: string): RelevanceRow[] =>
    systems.filter((each) => each.name === system).map((each) => ({ ...each, name }));
  const [first] = runs;
  return [
    ...named(first?.systems ?? [], 'legacy', 'ILIKE'),
    ...named(first?.systems ?? [], 'tsvector', 'full-text search (tsvector)'),
    ...runs.flatMap(({ model, systems }) => named(systems, 'vector', model.name)),
    ...runs.flatMap(({ model, systems, fusion }) =>
      fusion === null ? named(systems, 'hybrid', `hybrid: ${model.name} and tsvector`) : [],
    ),
  ];
}

export interface Cost {
  name: string;
  seconds: number;
  diskBytes: number;
  memoryBytes: number;
}

/** Of a million rows like those of the collection. */
export function costsOf({ records }: Collection, { runs, words }: CollectionRuns): Cost[] {
  const times = MILLION / records.length;
  return [
    {
      name: 'full-text search (tsvector)',
      seconds: times * words.seconds,
      diskBytes: times * words.bytes,
      memoryBytes: 0,
    },
    ...runs.flatMap(({ model, compared, rowsPerSecond }) =>
      compared.modes
        .filter(({ mode }) => mode === 'truncate')
        .map(({ forecast }) => {
          const { tableBytes, stageBytes } = forecast;
          const index = { ...forecast.index, m: OPTIONS['index.m'].fallback ?? 0, parallel: true };
          const { indexBytes, memoryBytes } = forecastIndex(MILLION, compared.dimensions, index);
          return {
            name: model.name,
            seconds: MILLION / rowsPerSecond,
            diskBytes: (MILLION / forecast.rows) * (tableBytes + stageBytes) + indexBytes,
            memoryBytes,
          };
        }),
    ),
  ];
}

export interface HybridRow extends Pick<
  LearntFusion,
  'settings' | 'learntOn' | 'reportedOn' | 'vector' | 'equal' | 'hybrid'
> {
  name: string;
}

/** Each model with words, by the queries that its weight was not learnt on. */
export const hybridRows = ({ runs }: CollectionRuns): HybridRow[] =>
  runs.flatMap(({ model, fusion }) => (fusion === null ? [] : [{ ...fusion, name: model.name }]));

/** nDCG@10 that a model was said to have before the run, and that of its run. */
export const agreement = ({
  model,
  compared,
  systems,
}: Pick<WholeRun, 'model' | 'compared' | 'systems'>): { name: string; before: number; run: number } => ({
  name: model.name,
  before: compared.modes.find(({ mode }) => mode === 'truncate')?.ndcg10 ?? Number.NaN,
  run: systems.find(({ name }) => name === 'vector')?.ndcg10 ?? Number.NaN,
});

export function qualityTables(collection: Collection, runs: CollectionRuns): string[] {
  const { name, isJudged, records } = collection;
  return [
    '',
    `${name}: ${count(records.length)} rows, ${runs.queries} ${isJudged ? 'judged queries, title and body' : 'titles as queries, bodies as texts'}`,
    '',
    ...markdown(
      ['', 'nDCG@10', '95 %', 'recall@100', '95 %'],
      relevanceRows(runs).map((row) => [
        row.name,
        decimal(row.ndcg10),
        interval(row),
        decimal(row.recall100),
        interval({ low: row.recallLow, high: row.recallHigh }),
      ]),
    ),
    '',
    ...hybridTable(hybridRows(runs)),
    ...markdown(
      ['a million such rows', 'time', 'disk', 'memory to index'],
      costsOf(collection, runs).map((cost) => [
        cost.name,
        duration(cost.seconds),
        bytes(cost.diskBytes),
        cost.memoryBytes === 0 ? '' : bytes(cost.memoryBytes),
      ]),
    ),
    '',
    ...markdown(
      ['nDCG@10', 'compare-models', 'whole run', 'difference'],
      runs.runs
        .map(agreement)
        .map((each) => [each.name, decimal(each.before), decimal(each.run), decimal(each.run - each.before)]),
    ),
  ];
}

function hybridTable(rows: readonly HybridRow[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  return [
    `Hybrid with tsvector, learnt on ${first.learntOn} of the queries; nDCG@10 of the other ${first.reportedOn}`,
    '',
    ...markdown(
      ['', 'weight of words', 'vectors alone', 'hybrid', 'to vectors alone', 'with equal weights'],
      rows.map(({ name, settings, vector, hybrid, equal }) => [
        name,
        String(settings.words),
        decimal(vector.ndcg10),
        decimal(hybrid.ndcg10),
        signed(hybrid.difference),
        decimal(equal.ndcg10),
      ]),
    ),
    '',
  ];
}

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
