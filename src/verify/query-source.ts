/** Which queries the measures are taken on. */

import { quoteName } from '../db/identifiers.ts';
import type { Query } from '../relevance/query-file.ts';
import type { QuerySource } from './agreement.ts';
import type { SampledRow } from './sample.ts';
import type { SearchContext } from './systems.ts';

const TITLE_CHARACTERS = 80;

/** Evenly over the list, the same ones each time. */
export function spread<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, at) => list[Math.floor((at * list.length) / count)] as T);
}

/** Queries of the file; without one, first lines of the rows, which are what somebody might look for. */
export async function chooseQueries(
  context: SearchContext,
  file: readonly Query[] | null,
  rows: readonly SampledRow[],
): Promise<{ source: QuerySource; queries: Query[] }> {
  if (file !== null) return { source: 'file', queries: spread(file, context.settings.verifySamples) };
  return { source: 'rows', queries: await firstLines(context, rows) };
}

async function firstLines({ pool, target }: SearchContext, rows: readonly SampledRow[]): Promise<Query[]> {
  const key = `${target.ref}.${quoteName(target.key)}`;
  const found = await pool.query<Query>(
    `SELECT id, text FROM (
       SELECT ${key}::text AS id, left(split_part(ltrim(${target.text}, E' \\n\\r\\t'), chr(10), 1), ${TITLE_CHARACTERS}) AS text
         FROM ${target.table} WHERE ${key} = ANY ($1::text[]::${target.keyType}[]) AND ${target.where}) titles
      WHERE text ~ '[^[:space:]]' ORDER BY md5(id)`,
    [rows.map((row) => row.key)],
  );
  return found.rows;
}
