/**
 * Which model for this table, before anything of it is written: each one on the same sample and the same queries, and what it would
 * take for all rows. Memory goes by the queries, and time by the sample, whatever the size of the table.
 */

import type { Settings } from '../../config/settings.ts';
import type { Embedder, Precision } from '../../embedding/embedder.ts';
import { isUsageNews } from '../../embedding/usage/usage-news.ts';
import { BackfillError } from '../../errors.ts';
import type { OnProgress } from '../../observability/progress.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { rankModel, type LongTextMode, type RankedModel } from '../ranking/rank-model.ts';
import { describeForComparison, type AskedItems, type AskInput } from './known-items.ts';
import { forecastStorage, type ModelForecast } from './model-forecast.ts';
import { isAsGood, scoresToBest, type Scores, type Series } from './scores.ts';

/** A model that was asked for. */
export interface Candidate {
  /** As it was named. */
  asked: string;
  /** `of` with the options of the model; trains it where that is asked for. @throws BackfillError */
  settings: (of: Settings) => Promise<Settings>;
}

interface ModeFigures {
  mode: LongTextMode;
  /** Share of the texts that is not read whole, 0 to 1. */
  cutShare: number;
  /** By the processes of this machine. */
  rowsPerSecond: number;
  vectorsPerRow: number;
  forecast: ModelForecast;
}

export type ComparedMode = ModeFigures & Scores;

interface ModelFacts {
  asked: string;
  /** As `model.name`. */
  model: string;
  precision: Precision;
  dimensions: number;
  /** Sampled rows with a text, those of them that are judged, and those of more than one inference or passage. */
  rows: number;
  judgedRows: number;
  longRows: number;
}

export type ComparedModel = ModelFacts & { modes: ComparedMode[] };

/** One that cannot be used. */
export interface FailedModel {
  asked: string;
  error: { code: string; message: string; remedy: string | null };
}

export interface ComparedModels {
  queries: { source: AskedItems['source']; column: string | null; count: number; unknownKeys: number };
  /** Rows that are estimated in the table. */
  tableRows: number;
  models: (ComparedModel | FailedModel)[];
  failed: number;
  /** Null where no model could be used. */
  best: ChosenModel | null;
  /** The fastest of those that chance alone may have put behind the best, or the best itself. */
  fastestAsGood: ChosenModel | null;
}

export interface ChosenModel {
  asked: string;
  mode: LongTextMode;
}

export interface CompareModelsInput extends Omit<AskInput, 'rows'> {
  asked: AskedItems;
  candidates: readonly Candidate[];
  /** Mean of chunks and passages also where nearly all texts fit. */
  withLongTexts: boolean;
  openEmbedder: (settings: Settings) => Promise<Embedder>;
  signal: AbortSignal;
  onProgress?: OnProgress;
}

/** Share of texts that do not fit, below which what becomes of them decides nothing. */
const NEGLIGIBLE_SHARE = 0.02;

export const isFailed = (model: ComparedModel | FailedModel): model is FailedModel => 'error' in model;

type Measured = ModelFacts & { modes: { figures: ModeFigures; series: Series }[] };

/** A model that cannot be used has its reason in the result, and the others go on. */
export async function compareModels(input: CompareModelsInput): Promise<ComparedModels> {
  const { pool, settings, asked, candidates } = input;
  const { table } = await describeForComparison(input, settings);
  const tableRows = Math.round(await estimatedRows(pool, table));
  const measured: (Measured | FailedModel)[] = [];
  for (const candidate of candidates)
    measured.push(
      await measureModel(input, candidate, tableRows).catch((error: unknown) => {
        if (isUsageNews(error)) throw error;
        return failureOf(input, candidate, error);
      }),
    );
  const usable = measured.filter((each): each is Measured => !('error' in each));
  const scores =
    usable.length === 0 ? [] : scoresToBest(usable.flatMap(({ modes }) => modes.map(({ series }) => series)));
  let next = 0;
  const models = measured.map((each): ComparedModel | FailedModel => {
    if ('error' in each) return each;
    return {
      ...each,
      modes: each.modes.map(({ figures }) => ({ ...figures, ...(scores[next++] as Scores) })),
    };
  });
  return {
    queries: {
      source: asked.source,
      column: asked.column,
      count: asked.queries.length,
      unknownKeys: asked.unknownKeys,
    },
    tableRows,
    models,
    failed: measured.length - usable.length,
    ...chosenOf(models),
  };
}

async function measureModel(
  input: CompareModelsInput,
  candidate: Candidate,
  tableRows: number,
): Promise<Measured> {
  const { asked, withLongTexts } = input;
  // The model's options are the same on both; the whole text is what the forecast is of.
  const settings = await candidate.settings(asked.settings);
  const whole = { ...input, settings: await candidate.settings(input.settings), rows: tableRows };
  let facts: Pick<ModelFacts, 'model' | 'precision' | 'dimensions'> | null = null;
  const ranked = await rankModel({
    ...input,
    ...asked,
    settings,
    what: candidate.asked,
    isLongTried: (share) => withLongTexts || share >= NEGLIGIBLE_SHARE,
    onOpened: async ({ model, precision, dimensions }) => {
      facts = { model, precision, dimensions };
      // One whose vectors cannot be indexed is not worth the time.
      await forecastStorage({ ...whole, dimensions }, 'truncate');
    },
  });
  const known = facts as unknown as Pick<ModelFacts, 'model' | 'precision' | 'dimensions'>;
  const modes: Measured['modes'] = [];
  for (const [mode, { rowsPerSecond, vectors, ndcg10, recall100 }] of ranked.modes) {
    const vectorsPerRow = ranked.rows === 0 ? 1 : vectors / ranked.rows;
    const storage = await forecastStorage({ ...whole, dimensions: known.dimensions }, mode, vectorsPerRow);
    const forecast = { ...storage, seconds: tableRows / rowsPerSecond };
    modes.push({
      figures: { mode, cutShare: cutShareOf(ranked, mode), rowsPerSecond, vectorsPerRow, forecast },
      series: { ndcg10, recall100 },
    });
  }
  const { rows, judgedRows, longRows } = ranked;
  return { asked: candidate.asked, ...known, rows, judgedRows, longRows, modes };
}

/** Of chunks the rest of more than `model.maxChunks` is not read. */
function cutShareOf({ rows, truncatedRows, passages }: RankedModel, mode: LongTextMode): number {
  const cut = mode === 'truncate' ? truncatedRows : (passages?.cutRows ?? 0);
  return rows === 0 ? 0 : cut / rows;
}

/** @throws whatever is no fault of the model */
function failureOf({ signal }: CompareModelsInput, { asked }: Candidate, error: unknown): FailedModel {
  if (signal.aborted || !(error instanceof BackfillError)) throw error;
  const { code, message, remedy = null } = error;
  return { asked, error: { code, message, remedy } };
}

function chosenOf(
  models: readonly (ComparedModel | FailedModel)[],
): Pick<ComparedModels, 'best' | 'fastestAsGood'> {
  const all = models.flatMap((model) =>
    isFailed(model) ? [] : model.modes.map((mode) => ({ ...mode, asked: model.asked })),
  );
  const chosen = (of: (typeof all)[number] | undefined): ChosenModel | null =>
    of === undefined ? null : { asked: of.asked, mode: of.mode };
  const [fastest] = all.filter(isAsGood).toSorted((a, b) => b.rowsPerSecond - a.rowsPerSecond);
  return { best: chosen(all.find(({ toBest }) => toBest === null)), fastestAsGood: chosen(fastest) };
}
