/** Queries as vectors, with the model's time for each. */

import pgvector from 'pgvector';
import type { Embedder } from '../../embedding/embedder.ts';
import type { Query } from '../../relevance/query-file.ts';

export interface EmbeddedQuery extends Query {
  /** As pgvector's text form; null where the model cannot make a vector of it. */
  vector: string | null;
  /** The model's time. */
  embeddingMs: number;
}

/** One at a time, as searches come. */
export async function embedQueries(embedder: Embedder, queries: readonly Query[]): Promise<EmbeddedQuery[]> {
  const embedded: EmbeddedQuery[] = [];
  for (const query of queries) {
    const started = performance.now();
    const { vectors, faults } = await embedder.embed([query.text], { as: 'query' });
    const embeddingMs = performance.now() - started;
    embedded.push({
      ...query,
      vector: faults[0] === 0 ? pgvector.toSql(Array.from(vectors)) : null,
      embeddingMs,
    });
  }
  return embedded;
}

/** Queries that have a vector. */
export type SearchableQuery = EmbeddedQuery & { vector: string };
export const searchable = (queries: readonly EmbeddedQuery[]): SearchableQuery[] =>
  queries.filter((query): query is SearchableQuery => query.vector !== null);
