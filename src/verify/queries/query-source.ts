/** Which queries the measures are taken on. */

import { inDrawnOrder, type Query } from '../../relevance/query-file.ts';
import { readTexts } from '../../table/read-texts.ts';
import type { QuerySource } from '../measures/agreement.ts';
import type { SampledRow } from './sampled-rows.ts';
import type { SearchContext } from '../measures/systems.ts';

const TITLE_CHARACTERS = 80;
/** White space may stand before the first line. */
const LINE_CHARACTERS = 2000;

/** Evenly over the list, the same ones each time. */
export function spreadOver<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, at) => list[Math.floor((at * list.length) / count)] as T);
}

/** Queries of the file; without one, first lines of the rows, which are what somebody might look for. */
export async function chooseQueries(
  context: SearchContext,
  file: readonly Query[] | null,
  rows: readonly SampledRow[],
): Promise<{ source: QuerySource; queries: Query[] }> {
  if (file !== null) return { source: 'file', queries: spreadOver(file, context.settings.verify.samples) };
  return { source: 'rows', queries: await firstLines(context, rows) };
}

async function firstLines({ pool, target }: SearchContext, rows: readonly SampledRow[]): Promise<Query[]> {
  const texts = await readTexts(
    pool,
    target,
    rows.map((row) => row.key),
    LINE_CHARACTERS,
  );
  const lines = texts.map(({ key, text }) => ({ id: key, text: firstLine(text) }));
  return inDrawnOrder(lines.filter(({ text }) => text !== ''));
}

const firstLine = (text: string): string =>
  Array.from(text.trimStart().split('\n', 1)[0] ?? '')
    .slice(0, TITLE_CHARACTERS)
    .join('')
    .trimEnd();
