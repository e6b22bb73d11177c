/** Doctor's look at what writing the vectors into the table would set off, and whether they had better live beside it. It reads catalogs only. */

import type { Queryable } from '../../db/pool.ts';
import { optionName } from '../../config/option-name.ts';
import { bytes } from '../../observability/format.ts';
import { tableBeside } from '../../ledger/backfill/made-table.ts';
import type { Target } from '../../table/backfill-target.ts';
import { leavesSql } from '../../table/partitions.ts';
import { readers } from '../beside-ddl.ts';
import type { Finding } from './finding.ts';
import { updateTriggers } from './update-triggers.ts';

interface Facts {
  /** Of the part that has most, without those on vectors. */
  indexes: number;
  /** Row triggers that an update of the added columns fires. */
  triggers: number;
  /** As the statistics have them. */
  rows: number;
  /** Of an average row with what lies in its page. */
  rowBytes: number;
  /** Updates since the statistics began, those of them that no index was written for, and how long that is. */
  updates: number;
  hotUpdates: number;
  days: number;
  /** Per cent of a page that rows are put in; the rest is for their next versions. */
  fillFactor: number;
}

/** From so many on, entries in indexes cost more than the row itself. */
const MANY_INDEXES = 5;
/** Of these, four and fewer fill a page: half of the table's pages are written for a tenth of its rows. */
const WIDE_ROW_BYTES = 2000;
/** Rows of the table that are updated in a day, from which on they are hot. */
const HOT_SHARE = 0.2;

export async function checkStore(db: Queryable, target: Target): Promise<Finding[]> {
  if (target.store.kind === 'table') return checkTableBeside(db, target);
  const found = await db.query<Omit<Facts, 'triggers'>>(
    `SELECT coalesce(max(i.indexes), 0)::float8 AS indexes, coalesce(sum(greatest(c.reltuples, 0)), 0)::float8 AS rows, coalesce(sum(pg_relation_size(c.oid)) / nullif(sum(greatest(c.reltuples, 0)), 0), 0)::float8 AS "rowBytes",
            coalesce(sum(s.n_tup_upd), 0)::float8 AS updates, coalesce(sum(s.n_tup_hot_upd), 0)::float8 AS "hotUpdates",
            coalesce(min((SELECT o.option_value::int FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor')), 100)::float8 AS "fillFactor",
            (SELECT greatest(extract(epoch FROM now() - coalesce(stats_reset, pg_postmaster_start_time())) / 86400, 0.01)::float8 FROM pg_stat_database WHERE datname = current_database()) AS days
       FROM ${leavesSql('$1::regclass')} leaf JOIN pg_class c ON c.oid = leaf.relid
       LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
       LEFT JOIN LATERAL (SELECT count(*) AS indexes FROM pg_index x JOIN pg_class xc ON xc.oid = x.indexrelid JOIN pg_am am ON am.oid = xc.relam
                           WHERE x.indrelid = c.oid AND am.amname NOT IN ('hnsw', 'ivfflat')) i ON true`,
    [target.table],
  );
  const [facts] = found.rows;
  const triggers = await updateTriggers(db, target.oid, target);
  const firing = triggers.filter(({ fires, each }) => fires && each === 'each row').length;
  const signs = facts === undefined ? [] : signsOf({ ...facts, triggers: firing });
  if (signs.length === 0) return [];
  return [
    {
      level: 'ok',
      check: 'store',
      message: `each row is written once more, with its vector, and ${signs.join(', ')}: ${optionName('store')} table keeps vectors beside the table, which is then not written to (docs/store.md)`,
    },
  ];
}

async function checkTableBeside(db: Queryable, target: Target): Promise<Finding[]> {
  const { store } = target;
  const message = `vectors go beside the table, into ${store.schema}.${store.name}: nothing of the table is written, and a search joins the two`;
  const isThere = (await tableBeside(db, target))?.isOurs === true;
  const lacking = isThere ? await readers(db, target) : [];
  if (lacking.length === 0) return [{ level: 'ok', check: 'store', message }];
  return [
    {
      level: 'warn',
      check: 'store',
      message: `${lacking.join(', ')} may read ${target.schema}.${target.name}, and not its vectors in ${store.schema}.${store.name}: their searches by vectors would be refused.`,
      remedy: `GRANT SELECT ON ${store.table} TO ${lacking.join(', ')}; its policy shows them the vectors of those rows alone that they see.`,
    },
  ];
}

function signsOf({
  indexes,
  triggers,
  rows,
  rowBytes,
  updates,
  hotUpdates,
  days,
  fillFactor,
}: Facts): string[] {
  const perDay = updates / days;
  const hot =
    updates === 0
      ? ''
      : `, ${Math.round((100 * hotUpdates) / updates)} % of them without an index entry, for which larger rows leave less room (fill factor ${fillFactor})`;
  return [
    ...(indexes >= MANY_INDEXES ? [`the table has ${indexes} indexes`] : []),
    ...(triggers > 0 ? [`${triggers} of its triggers fire for each`] : []),
    ...(rowBytes >= WIDE_ROW_BYTES ? [`a row takes ${bytes(rowBytes)}`] : []),
    ...(rows > 0 && perDay >= HOT_SHARE * rows
      ? [`about ${Math.round(perDay)} rows are updated a day${hot}`]
      : []),
  ];
}
