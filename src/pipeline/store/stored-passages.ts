/** Vectors of passages that a row has already: an edit of one passage of many embeds one. */

import { keyInSql, keyRefs } from '../../table/key.ts';
import { quoteName } from '../../db/identifiers.ts';
import type { PipelineContext } from '../pipeline-context.ts';

/**
 * Of these rows, those of passages with one of the hashes, by the hash in base64. What a store of halfvec has lost in digits, what is
 * embedded would lose, too.
 */
export async function storedPassages(
  { pool, target }: Pick<PipelineContext, 'pool' | 'target'>,
  keys: readonly string[],
  hashes: readonly Buffer[],
): Promise<Map<string, Float32Array>> {
  if (keys.length === 0 || hashes.length === 0) return new Map();
  const { store, vectorPrefix } = target;
  const values: unknown[] = [hashes];
  const isKey = keyInSql(target, keyRefs(target), keys, values);
  const found = await pool.query<{ hash: Buffer; vector: Buffer }>(
    `SELECT DISTINCT ON (chunk_hash) chunk_hash AS hash, ${vectorPrefix}vector_send(${quoteName(store.column)}::${vectorPrefix}vector) AS vector
       FROM ${store.table} WHERE ${isKey} AND chunk_hash = ANY ($1::bytea[])`,
    values,
  );
  return new Map(found.rows.map(({ hash, vector }) => [hash.toString('base64'), fromBinary(vector)]));
}

/** Two bytes of dimensions, two of nothing, then the components. */
function fromBinary(sent: Buffer): Float32Array {
  return Float32Array.from({ length: sent.readInt16BE(0) }, (_, at) => sent.readFloatBE(4 + 4 * at));
}
