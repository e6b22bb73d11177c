/** A query's text as a vector. */

import pgvector from 'pgvector';
import { VECTOR_FAULT, type Embedder, type VectorFault } from '../../embedding/embedder.ts';
import { GateError } from '../../errors.ts';

export const NOT_EMBEDDABLE = 'QUERY_NOT_EMBEDDABLE';

/** @throws GateError where the model cannot make a vector of the text. */
export async function queryVector(embedder: Embedder, text: string, signal?: AbortSignal): Promise<number[]> {
  const result = await embedder.embed([text], { as: 'query', signal });
  const fault = VECTOR_FAULT[(result.faults[0] ?? 0) as VectorFault];
  if (fault !== null)
    throw new GateError(`The query cannot be searched by meaning: ${fault}.`, {
      code: NOT_EMBEDDABLE,
      remedy: 'Use other words, or a model that knows these.',
    });
  return Array.from(result.vectors);
}

/** The same in pgvector's text form. */
export const embedQuery = async (embedder: Embedder, text: string, signal?: AbortSignal): Promise<string> =>
  pgvector.toSql(await queryVector(embedder, text, signal)) as string;
