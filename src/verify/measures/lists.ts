import { quoteQualified } from '../../db/identifiers.ts';
import type { SearchContext } from './systems.ts';

/** Of an IVFFlat index, as it was built; null where it has none. */
export async function listsOf({
  pool,
  target,
}: Pick<SearchContext, 'pool' | 'target'>): Promise<number | null> {
  const found = await pool.query<{ lists: number }>(
    `SELECT o.option_value::int AS lists FROM pg_class c CROSS JOIN pg_options_to_table(c.reloptions) o
      WHERE c.oid = to_regclass($1) AND o.option_name = 'lists'`,
    [quoteQualified({ schema: target.store.schema, name: target.indexName })],
  );
  return found.rows[0]?.lists ?? null;
}
