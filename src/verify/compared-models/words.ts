/** Sentences and tables of a comparison, the same on the terminal and in the report. */

import { bytes, count, duration } from '../../observability/format.ts';
import { decimal, interval, signed } from '../report/figures.ts';
import {
  isFailed,
  type ChosenModel,
  type ComparedMode,
  type ComparedModel,
  type ComparedModels,
} from './compare-models.ts';

export interface Table {
  head: string[];
  rows: string[][];
}

export interface ComparedWords {
  asked: string;
  relevance: Table;
  /** Over `resources`. */
  forecast: string;
  resources: Table;
  /** By model: why it cannot be used, and what to do. */
  failures: { asked: string; message: string; remedy: string | null }[];
  chosen: string;
  note: string;
}

export function comparedWords(compared: ComparedModels): ComparedWords {
  const { queries, tableRows, models, best, fastestAsGood } = compared;
  const usable = models.flatMap((each) => (isFailed(each) ? [] : [each]));
  const { rows = 0, judgedRows = 0 } = usable[0] ?? {};
  const [many, among] = [count(queries.count), `${count(rows)} of about ${count(tableRows)} rows`];
  return {
    asked:
      queries.source === 'judged'
        ? `${many} judged queries, among ${among} (${count(judgedRows)} of them judged${queries.unknownKeys === 0 ? '' : `; ${count(queries.unknownKeys)} judged keys have no row with a text, and count as not found`}), ranked by exact distances.`
        : `Nobody has judged: ${many} known items, among ${among}, ranked by exact distances. Each is looked for by its title (column ${queries.column}), in texts without the titles.`,
    relevance: {
      head: [...WHICH, 'nDCG@10', '95 %', 'to the best', 'recall@100', '95 %'],
      rows: tableOf(usable, relevanceOf),
    },
    forecast:
      'Forecast for all rows: time is that of embedding by this machine, disk that of vectors, staging table and index.',
    resources: {
      head: [...WHICH, 'dimensions', 'cut', 'rows/s here', 'vectors', 'time', 'disk', 'memory to index'],
      rows: tableOf(usable, resourcesOf),
    },
    failures: models.flatMap((each) =>
      isFailed(each) ? [{ asked: each.asked, message: each.error.message, remedy: each.error.remedy }] : [],
    ),
    chosen: chosenSentence(best, fastestAsGood),
    note: 'Fewer rows than the table has are easier to rank: compare the models with each other alone. Intervals are of 95 %, by paired bootstrap over the queries.',
  };
}

const WHICH = ['model', '', 'long texts'];

const tableOf = (
  models: readonly ComparedModel[],
  of: (mode: ComparedMode, model: ComparedModel) => string[],
): string[][] =>
  models.flatMap((model) =>
    model.modes.map((mode) => [model.asked, model.precision, mode.mode, ...of(mode, model)]),
  );

const relevanceOf = (mode: ComparedMode): string[] => [
  decimal(mode.ndcg10),
  interval(mode),
  signed(mode.toBest),
  decimal(mode.recall100),
  interval({ low: mode.recallLow, high: mode.recallHigh }),
];

const resourcesOf = (
  { cutShare, rowsPerSecond, forecast }: ComparedMode,
  { dimensions }: ComparedModel,
): string[] => [
  count(dimensions),
  `${(100 * cutShare).toFixed(1)} %`,
  count(Math.round(rowsPerSecond)),
  count(forecast.vectors),
  duration(forecast.seconds),
  bytes(forecast.diskBytes),
  bytes(forecast.memoryBytes),
];

export const showChosen = ({ asked, mode }: ChosenModel): string => `${asked} (${mode})`;

function chosenSentence(best: ChosenModel | null, fastest: ChosenModel | null): string {
  if (best === null || fastest === null) return 'No model could be used.';
  if (showChosen(best) === showChosen(fastest)) return `Best: ${showChosen(best)}.`;
  return `Best: ${showChosen(best)}. The fastest that is not worse than it beyond chance: ${showChosen(fastest)}.`;
}
