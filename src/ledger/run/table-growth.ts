/** By how much the table grows as the vectors are written: forecast when the run is planned, measured before the index build, kept with the run. */

import type { Queryable } from '../../db/pool.ts';
import type { TableSizes } from '../../table/table-sizes.ts';

export interface TableGrowthForecast {
  /** New row versions, bytes: what the table grows by where nothing is vacuumed meanwhile. */
  heapBytes: number;
  /** What it grows by where autovacuum keeps up: later versions then lie where earlier rows were. Absent in runs of earlier releases. */
  heapMinBytes?: number;
  /** Vectors out of line, and the index on them. */
  toastBytes: number;
  /** New entries of the table's other indexes at most: a row that moves to another page has one in each. */
  otherIndexBytes: number;
  /** Vectors beside the table, with their key and what is out of line; absent where they are in a column. */
  tableBytes?: number;
  /** The staging table with its key and what is out of line. */
  stageBytes: number;
  /** WAL of all of it. */
  walBytes: number;
}

/** By which sizes have grown since the run was planned; WAL of the whole server, others' writes included, null where it cannot be read. */
export type TableGrowth = Omit<TableGrowthForecast, 'walBytes' | 'heapMinBytes'> & {
  walBytes: number | null;
};

/** The sizes before stay those of the first plan: of a canary that grows, rows may be written already. */
export async function saveTableGrowthForecast(
  db: Queryable,
  run: string,
  forecast: TableGrowthForecast,
  before: TableSizes,
): Promise<void> {
  await db.query(
    'UPDATE pgvector_backfill.run SET table_growth_forecast = $2, table_sizes_before = coalesce(table_sizes_before, $3), table_growth_actual = NULL WHERE id = $1',
    [run, forecast, before],
  );
}

/** Nothing where the run was planned by a release that did not look at the sizes before. */
export async function saveTableGrowth(db: Queryable, run: string, after: TableSizes): Promise<void> {
  const found = await db.query<{ before: TableSizes | null }>(
    'SELECT table_sizes_before AS before FROM pgvector_backfill.run WHERE id = $1',
    [run],
  );
  const before = found.rows[0]?.before ?? null;
  if (before === null) return;
  // A vacuum may have given pages back meanwhile.
  const grown = (field: 'heapBytes' | 'toastBytes' | 'otherIndexBytes' | 'stageBytes'): number =>
    Math.max(0, after[field] - before[field]);
  const tableBytes =
    after.tableBytes === undefined
      ? {}
      : { tableBytes: Math.max(0, after.tableBytes - (before.tableBytes ?? 0)) };
  const actual: TableGrowth = {
    ...tableBytes,
    heapBytes: grown('heapBytes'),
    toastBytes: grown('toastBytes'),
    otherIndexBytes: grown('otherIndexBytes'),
    stageBytes: grown('stageBytes'),
    walBytes: before.walBytes === null || after.walBytes === null ? null : after.walBytes - before.walBytes,
  };
  await db.query('UPDATE pgvector_backfill.run SET table_growth_actual = $2 WHERE id = $1', [run, actual]);
}
