/** Vector indexes that are on the column before us: one that is as the options want it need not be built. */

import type { Settings } from '../../config/settings.ts';
import type { Queryable } from '../../db/pool.ts';
import { findIndex, wantedIndex } from '../../finalize/index-definition.ts';
import { withIndex, type Target } from '../../table/backfill-target.ts';
import { hasIndex, typesOf, type IndexMethod, type IndexPlan } from '../../table/index-plan.ts';
import type { IndexedType } from '../../table/vector-type.ts';

export interface LegacyIndex {
  name: string;
  /** As the server writes it. */
  definition: string;
  /** How it is kept where it is taken over; null where its definition does not fit the options. */
  plan: IndexPlan | null;
}

interface Row {
  name: string;
  method: IndexMethod;
  type: IndexedType;
  definition: string;
}

/** Those that serve searches; a partition's own are no index of the whole table. */
export async function legacyIndexes(
  db: Queryable,
  target: Target,
  settings: Settings,
): Promise<LegacyIndex[]> {
  const found = await db.query<Row>(
    `SELECT c.relname::text AS name, am.amname::text AS method, split_part(o.opcname, '_', 1) AS type, pg_get_indexdef(c.oid) AS definition
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam JOIN pg_opclass o ON o.oid = i.indclass[0]
      WHERE i.indrelid = $1::regclass AND am.amname IN ('hnsw', 'ivfflat') AND i.indisvalid
        AND EXISTS (SELECT 1 FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                     WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                       AND d.refobjid = i.indrelid AND a.attname = $2)
      ORDER BY 1`,
    [target.table, target.column],
  );
  const indexes: LegacyIndex[] = [];
  for (const { name, method, type, definition } of found.rows) {
    const plan: IndexPlan = { method, type, name };
    const isWanted =
      !target.isPartitioned &&
      ['auto', method].includes(settings.index.method) &&
      hasIndex(method, type) &&
      typesOf(settings, target.dimensions).includes(type);
    const wanted = wantedIndex(withIndex(target, plan), settings, 0);
    const fits = isWanted && (await findIndex(db, target, wanted)).kind === 'valid';
    indexes.push({ name, definition, plan: fits ? plan : null });
  }
  return indexes;
}
