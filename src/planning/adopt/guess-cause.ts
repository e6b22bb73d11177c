/** Why vectors are not those of the model, as far as a few trials can tell: other lengths, another text, another model. */

import type { Settings } from '../../config/settings.ts';
import { optionName } from '../../config/option-name.ts';
import { quoteName } from '../../db/identifiers.ts';
import type { Embedder, EmbedOptions } from '../../embedding/embedder.ts';
import { compareTexts, type ComparedRow } from './compare-vectors.ts';

/** Rows of a trial, and the share of them that must agree for it to be the cause. */
const TRIED_ROWS = 16;
const ENOUGH = 0.75;
/** Cosines of one model in two precisions are mostly above this; of two texts of one row, mostly below. */
const SAME_TEXT = 0.97;
/** Below it two spaces have nothing to do with each other. */
const UNRELATED = 0.3;
/** What makers of models have texts begin with. */
const PREFIXES = ['passage: ', 'search_document: ', 'query: ', 'search_query: ', 'Represent this sentence: '];

export interface Disagreeing {
  /** The least cosine first. */
  disagreeing: readonly ComparedRow[];
  /** Those of them that other texts are tried for. */
  tried: readonly ComparedRow[];
  /** Of the sample. */
  rows: number;
  /** Each column of the rows' texts, by key; empty where the text is an expression. */
  columns: ReadonlyMap<string, readonly (string | null)[]>;
}

interface Trial {
  cause: string;
  /** Null where the row says nothing of it. */
  text: (row: ComparedRow) => string | null;
  options?: EmbedOptions;
}

/** From the middle: the worst ones may have a fault of their own. */
export function triedRows(disagreeing: readonly ComparedRow[]): readonly ComparedRow[] {
  const from = Math.max(0, Math.floor((disagreeing.length - TRIED_ROWS) / 2));
  return disagreeing.slice(from, from + TRIED_ROWS);
}

/** A sentence without its full stop. */
export async function guessCause(
  embedder: Embedder,
  settings: Settings,
  sample: Disagreeing,
): Promise<string> {
  const { disagreeing, tried, rows } = sample;
  if (disagreeing.length < ENOUGH * rows)
    return 'the other vectors agree, so it is these rows: their texts were edited since, or their vectors are of another model or other texts';
  const { minAgreement } = settings.adopt;
  if (disagreeing.filter(({ cosine }) => cosine >= minAgreement).length >= ENOUGH * disagreeing.length)
    return `the directions agree and the lengths do not, they are ${middle(disagreeing.map(({ length }) => length)).toFixed(3)} times those of the model: ${optionName('model.normalize')} is ${settings.model.normalize}, and they were made otherwise`;
  for (const trial of trials(settings, sample))
    if (await explains(embedder, trial, tried, minAgreement)) return trial.cause;
  return byCosine(middle(disagreeing.map(({ cosine }) => cosine)), settings);
}

function byCosine(typical: number, settings: Settings): string {
  const shown = `the cosine is ${typical.toFixed(4)} in the middle`;
  if (typical >= SAME_TEXT)
    return `${shown}: the same model in another precision, or texts that differ by little (model.dtype, mask.types, model.maxTokens); where that is good enough, lower ${optionName('adopt.minAgreement')}`;
  if (typical >= UNRELATED)
    return `${shown}: other texts (text, model.documentPrefix, mask.types), another model.pooling, or a model of the same family`;
  return `${shown}: another model than ${settings.model.name}, or vectors of other rows`;
}

function trials(settings: Settings, { columns }: Disagreeing): Trial[] {
  const names = Array.isArray(settings.text) ? settings.text : [];
  const joined =
    (separator: string, order = (parts: readonly (string | null)[]) => parts) =>
    ({ key }: ComparedRow): string | null => {
      const parts = columns.get(key);
      return parts === undefined
        ? null
        : order(parts)
            .filter((part) => part !== null)
            .join(separator);
    };
  const of = `they are those of the model for`;
  const several: Trial[] =
    names.length < 2
      ? []
      : [
          ...names.map((name, at) => ({
            cause: `${of} column ${quoteName(name)} alone: set ${optionName('text')} to it`,
            text: ({ key }: ComparedRow) => columns.get(key)?.[at] ?? null,
          })),
          ...[' ', '', '\n\n', '. '].map((separator) => ({
            cause: `${of} the columns of ${optionName('text')} with ${JSON.stringify(separator)} between them: set ${optionName('text')} to such an expression`,
            text: joined(separator),
          })),
          {
            cause: `${of} the columns of ${optionName('text')} in the reverse order`,
            text: joined('\n', (parts) => parts.toReversed()),
          },
        ];
  const { documentPrefix = '', queryPrefix = '' } = settings.model;
  const prefixed = (prefix: string): Trial => ({
    cause: `${of} the texts behind ${JSON.stringify(prefix)}: set ${optionName('model.documentPrefix')} to it`,
    text: ({ text }) => prefix + text,
  });
  return [
    ...several,
    ...(documentPrefix === queryPrefix
      ? []
      : [
          {
            cause: `${of} the texts as queries: ${optionName('model.documentPrefix')} is ${JSON.stringify(documentPrefix)} and they were made with ${JSON.stringify(queryPrefix)}`,
            text: ({ text }: ComparedRow) => text,
            options: { as: 'query' as const },
          },
        ]),
    ...(documentPrefix === '' ? PREFIXES.map(prefixed) : []),
    { cause: `${of} the texts in lower case`, text: ({ text }) => text.toLowerCase() },
  ];
}

async function explains(
  embedder: Embedder,
  { text, options = {} }: Trial,
  rows: readonly ComparedRow[],
  minAgreement: number,
): Promise<boolean> {
  const tried = rows.flatMap((row) => {
    const other = text(row);
    // What is the same text says nothing.
    return other === null || other.trim() === '' || (other === row.text && options.as === undefined)
      ? []
      : [{ text: other, stored: row.stored }];
  });
  if (tried.length === 0) return false;
  const compared = await compareTexts(embedder, tried, options);
  const agreeing = compared.filter((row) => row !== null && row.cosine >= minAgreement).length;
  return agreeing >= ENOUGH * tried.length;
}

/** Median. */
function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
