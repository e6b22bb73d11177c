/** A table of which nothing is embedded, and nothing is to be: an index of it would prove nothing, and a gate would pass by itself. */

import { TABLE_LIMITS, inReadOnly } from '../db/transaction.ts';
import type { Pool } from '../db/pool.ts';
import type { Accounting } from '../ledger/rows/accounting.ts';
import type { Target } from '../table/backfill-target.ts';

type Counts = Pick<Accounting, 'eligible' | 'embedded' | 'skipped' | 'quarantined' | 'missing' | 'stale'>;

/** In words, without a full stop; null where there are vectors, or rows still to embed. */
export async function nothingEmbedded(pool: Pool, target: Target, rows: Counts): Promise<string | null> {
  if (rows.embedded + rows.missing + rows.stale > 0) return null;
  const { eligible, skipped, quarantined } = rows;
  if (eligible > 0)
    return `no row has a vector: of ${eligible} rows ${skipped} have no text that is embedded, and ${quarantined} are quarantined`;
  return (await hasRows(pool, target))
    ? `the option where matches no row of ${target.schema}.${target.name}`
    : `${target.schema}.${target.name} has no row`;
}

async function hasRows(pool: Pool, { table }: Target): Promise<boolean> {
  const found = await pool.query<{ present: boolean }>(`SELECT EXISTS (SELECT 1 FROM ${table}) AS present`);
  return found.rows[0]?.present === true;
}

/** Before anything is counted: no row, or none that `where` matches. Null where there are some, or the look takes too long. */
export async function noRowTakesPart(pool: Pool, target: Target): Promise<string | null> {
  const found = await inReadOnly(pool, { ...TABLE_LIMITS, statementTimeoutMs: 10_000, tries: 1 }, (client) =>
    client.query<{ some: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM ${target.table} WHERE ${target.where}) AS some`,
    ),
  ).catch(() => null);
  if (found === null || found.rows[0]?.some === true) return null;
  const none = { eligible: 0, embedded: 0, skipped: 0, quarantined: 0, missing: 0, stale: 0 };
  return nothingEmbedded(pool, target, none);
}
