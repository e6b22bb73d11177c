/** Passages for rows that were found by their words alone: beside hits that have one, an eye could tell whose they are otherwise. */

import { TABLE_LIMITS } from '../../db/transaction.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { keyInSql, legacyKey } from '../../table/key.ts';
import type { FilterValue } from '../queries/filter.ts';
import { withPassageTexts } from '../queries/passage-texts.ts';
import { embedQuery } from '../queries/query-vector.ts';
import { nearest } from '../queries/vector-query.ts';
import type { SearchHit, SearchRequest } from '../read-modes.ts';

/** The same hits, each with the passage that is nearest to the query, where the row has any. */
export async function withBestPassages(
  request: SearchRequest,
  embedder: Embedder,
  hits: readonly SearchHit[],
): Promise<SearchHit[]> {
  const { pool, target, settings, timeoutMs } = request;
  const bare = hits.filter(({ passage }) => passage === undefined);
  if (!target.hasPassages || bare.length === 0) return [...hits];
  const vector = await embedQuery(embedder, request.text, request.signal);
  const keys = bare.map(({ key }) => key);
  const values: unknown[] = [];
  const where = keyInSql(target, legacyKey(target), keys, values);
  const limits = { ...TABLE_LIMITS, statementTimeoutMs: timeoutMs, tries: 1 };
  const filter = { name: 'rows of an answer', where, values: values as FilterValue[] };
  const found = await nearest(pool, target, settings.metric, vector, keys.length, 'unindexed', {
    filter,
    limits,
  });
  const near =
    request.passageText === true
      ? await withPassageTexts(pool, target, found.neighbours, limits)
      : found.neighbours;
  const passages = new Map(near.map(({ key, passage }) => [key, passage]));
  return hits.map((hit) => {
    const passage = hit.passage ?? passages.get(hit.key);
    return passage === undefined ? hit : { ...hit, passage };
  });
}
