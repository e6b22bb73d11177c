/**
 * What models are asked: judged queries, or known items where nobody has judged. A known item is a row that is looked for by its
 * title, in texts without the titles: whoever remembers one wants that very row.
 */

import { optionName } from '../../config/option-name.ts';
import { withValues } from '../../config/shape.ts';
import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { ConfigError } from '../../errors.ts';
import type { Judgements, Query } from '../../relevance/query-file.ts';
import { describeTarget } from '../../ledger/backfill/describe-target.ts';
import type { Target } from '../../table/backfill-target.ts';
import { drawSample, textPages, type RowSample } from '../ranking/sampled-texts.ts';
import { spreadOver } from '../queries/query-source.ts';
import { measurable, type JudgedQueries } from '../measures/relevance.ts';

export interface AskedItems {
  source: 'judged' | 'titles';
  /** Of titles. */
  column: string | null;
  queries: readonly Query[];
  judgements: Judgements;
  /** Judged keys without a row that has a text: they count as not found. */
  unknownKeys: number;
  /** Of the texts that are embedded: those of titles are without them. */
  settings: Settings;
  target: Target;
  sample: RowSample;
}

export interface AskInput {
  pool: Pool;
  backfill: string;
  settings: Settings;
  /** Of the sample, at least those that are judged. */
  rows: number;
}

/** More make the intervals narrower, and cost more of every model than that is worth. */
const MAX_TITLES = 1000;
const TITLE_CHARACTERS = 300;
const KEYS_PAGE = 1000;

/** As for a run that is not planned yet: names are looked up as they are now. */
export const describeForComparison = (
  { pool, backfill }: Pick<AskInput, 'pool' | 'backfill'>,
  settings: Settings,
): Promise<Target> => describeTarget(pool, backfill, settings, { planning: true });

/** @param judged with keys as the table's are written */
export async function judgedItems(
  input: AskInput,
  target: Target,
  judged: JudgedQueries,
): Promise<AskedItems> {
  const { pool, settings, rows } = input;
  const { judgements } = judged;
  const { judged: known, drawn } = await drawSample(pool, target, judgements, rows);
  const present: string[] = [];
  for await (const page of textPages(pool, target, known, { characters: 1, pageRows: KEYS_PAGE }))
    present.push(...page.map(({ key }) => key));
  const keys = new Set([...judgements.values()].flatMap((grades) => [...grades.keys()])).size;
  if (present.length === 0)
    throw new ConfigError(`None of the ${keys} judged keys is that of a row with a text.`, {
      code: 'NO_JUDGED_ROWS',
      remedy: `Give judgements of this table, whose keys are those of ${optionName('key')}.`,
    });
  return {
    source: 'judged',
    column: null,
    queries: measurable(judged),
    judgements,
    unknownKeys: keys - present.length,
    settings,
    target,
    sample: { judged: present, drawn },
  };
}

/**
 * Rows with a title of their own, among those that are drawn.
 * @param column null for the first column of the text
 * @throws ConfigError where there is no text beside the titles, or no title
 */
export async function knownItems(input: AskInput, column: string | null): Promise<AskedItems> {
  const { pool, rows } = input;
  const { titles, settings } = partedText(input.settings, column);
  const target = await describeForComparison(input, settings);
  const ofTitles = await describeForComparison(input, withValues(settings, [['text', [titles]]]));
  const sample = await drawSample(pool, target, new Map(), rows);
  const found = await titlesOf(pool, ofTitles, sample.drawn).catch((error: unknown) => {
    if (!hasSqlState(error, SQLSTATE.columnMissing)) throw error;
    throw noTitles(`Table ${settings.table} has no column ${JSON.stringify(titles)}.`);
  });
  const queries = spreadOver(withTitleOfTheirOwn(found), MAX_TITLES);
  if (queries.length === 0)
    throw noTitles(
      `Of ${sample.drawn.length} sampled rows none has a title of its own in column ${titles} beside a text.`,
    );
  const judgements = new Map(queries.map(({ id }) => [id, new Map([[id, 1]])]));
  return { source: 'titles', column: titles, queries, judgements, unknownKeys: 0, settings, target, sample };
}

/** @throws ConfigError where nothing is left of the text */
function partedText(settings: Settings, column: string | null): { titles: string; settings: Settings } {
  const { text } = settings;
  if (!Array.isArray(text))
    throw noTitles(
      `The text is an expression, ${optionName('text')}: titles cannot be taken out of it.`,
      ' Or name columns in its place for this comparison, as in --text title,body.',
    );
  const titles = column ?? (text[0] as string);
  const rest = text.filter((each) => each !== titles);
  if (rest.length === 0)
    throw noTitles(`Column ${titles} is all of the text: rows would be looked for by themselves.`);
  return { titles, settings: withValues(settings, [['text', rest]]) };
}

const noTitles = (message: string, more = ''): ConfigError =>
  new ConfigError(message, {
    code: 'NO_TITLES',
    remedy: `Give queries that people have judged by --queries and --judgements, or name a column of titles by --titles.${more}`,
  });

/** The row's key is the query's id. */
async function titlesOf(pool: Pool, target: Target, keys: readonly string[]): Promise<Query[]> {
  const found: Query[] = [];
  for await (const page of textPages(pool, target, keys, {
    characters: TITLE_CHARACTERS,
    pageRows: KEYS_PAGE,
  }))
    found.push(...page.map(({ key, text }) => ({ id: key, text: text.replaceAll(/\s+/g, ' ').trim() })));
  // As they were drawn, whatever order the table has them in.
  const place = new Map(keys.map((key, at) => [key, at]));
  return found.toSorted((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0));
}

/** Of two rows with one title nobody could say which is meant. */
export function withTitleOfTheirOwn(titles: readonly Query[]): Query[] {
  const written = (text: string): string => text.toLowerCase();
  const times = new Map<string, number>();
  for (const { text } of titles) times.set(written(text), (times.get(written(text)) ?? 0) + 1);
  return titles.filter(({ text }) => times.get(written(text)) === 1);
}
