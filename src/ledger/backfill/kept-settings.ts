/** Options that nobody names, as an earlier release understood them: what it has made for a backfill stays the backfill's. */

import type { Settings } from '../../config/settings.ts';
import { EARLIER_UPDATED_AT_COLUMN, updatedAtColumnOf } from '../../config/updated-at-column.ts';
import type { Queryable } from '../../db/pool.ts';
import { keepEarlierColumn, type Scope } from '../run/scope.ts';
import { hasLedger } from './siblings.ts';

export async function keptSettings(db: Queryable, backfill: string, settings: Settings): Promise<Settings> {
  const { column, updatedAtColumn } = settings;
  const isDefault = updatedAtColumn === updatedAtColumnOf(column);
  if (!isDefault || updatedAtColumn === EARLIER_UPDATED_AT_COLUMN || !(await hasLedger(db))) return settings;
  const found = await db.query<{ settings: Scope }>(
    'SELECT settings FROM pgvector_backfill.backfill WHERE name = $1',
    [backfill],
  );
  return keepEarlierColumn(found.rows[0]?.settings ?? {}, settings);
}
