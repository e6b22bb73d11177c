/** Whether the index of a run that is ready is there, and answers: one that lost its entries is as valid as any. */

import type { Settings } from '../../config/settings.ts';
import { quoteName, quoteQualified } from '../../db/identifiers.ts';
import type { Pool } from '../../db/pool.ts';
import { TABLE_LIMITS, inReadOnlySearch } from '../../db/transaction.ts';
import { messageOf } from '../../errors.ts';
import { presentIndex } from '../../ledger/run/present-index.ts';
import { nearest } from '../../search/queries/vector-query.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from '../checks/finding.ts';

/** Of each of two statements: whatever the size of the table, an index that serves answers in far less. */
const LIMITS = { ...TABLE_LIMITS, lockTimeoutMs: 1000, statementTimeoutMs: 5000, tries: 1 };

const warning = (message: string, remedy: string): Finding[] => [
  { level: 'warn', check: 'index-answer', message, remedy },
];

/** Asks for the nearest rows of one of the table's own vectors, by the index alone. */
export async function checkIndexAnswers(
  pool: Pool,
  target: Target,
  { metric }: Pick<Settings, 'metric'>,
  run: string,
): Promise<Finding[]> {
  const index = await presentIndex(pool, target, run);
  const name = index?.name ?? target.indexName;
  const shown = quoteQualified({ schema: target.store.schema, name });
  if (index?.valid !== true)
    return warning(
      `Index ${shown} of run ${run} ${index === null ? 'is not there' : 'is not valid'}: every search reads the whole table.`,
      'Run `pgvector-backfill finalize`, which builds it.',
    );
  const again = `REINDEX INDEX ${target.store.isPartitioned ? '' : 'CONCURRENTLY '}${shown}; or, with a worker that runs, \`pgvector-backfill finalize --rebuild\`. Then \`pgvector-backfill verify\`.`;
  try {
    const vector = await anyVector(pool, target);
    if (vector === null) return [];
    const { neighbours } = await nearest(pool, target, metric, vector, 1, 'index', { limits: LIMITS });
    return neighbours.length > 0
      ? []
      : warning(`Index ${shown} gives no row for a vector that the table has.`, again);
  } catch (error) {
    return warning(`Index ${shown} does not answer: ${messageOf(error)}.`, again);
  }
}

/** As text; null where there is none. A vector of zeros is in no index by cosine. */
async function anyVector(pool: Pool, { store, vectorPrefix }: Target): Promise<string | null> {
  const column = quoteName(store.column);
  return inReadOnlySearch(pool, LIMITS, async (client) => {
    const found = await client.query<{ vector: string }>(
      `SELECT ${column}::pg_catalog.text AS vector FROM ${store.table} WHERE ${column} IS NOT NULL AND ${vectorPrefix}vector_norm(${column}::${vectorPrefix}vector) OPERATOR(pg_catalog.>) 0::pg_catalog.float8 LIMIT 1`,
    );
    return found.rows[0]?.vector ?? null;
  });
}
