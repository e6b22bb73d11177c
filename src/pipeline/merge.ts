/** Step 6, transaction B: staged vectors into the legacy table, set by set, each row only if its text is still that of the vector. */

import { quoteName } from '../db/identifiers.ts';
import { describeFailure } from '../db/refusal.ts';
import { LEDGER_LIMITS, TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { holdBatch, type ClaimedBatch } from '../ledger/batch.ts';
import { quarantineRows, releaseRows } from '../ledger/quarantine.ts';
import { textHashSql } from '../table/row-state.ts';
import type { Target } from '../table/target.ts';
import { Bisection } from './bisect.ts';
import type { PipelineContext } from './context.ts';
import type { EmbeddedPage } from './embed.ts';
import type { WorkRow } from './read.ts';

/**
 * The UPDATE. The hash is computed on the row that is updated, not on a join with itself: where the row is locked by
 * another transaction, PostgreSQL checks the condition again on what that transaction leaves behind.
 * Both tables are bounded by the first and the last key: from the list alone the planner may conclude that reading the
 * whole legacy table is cheaper.
 * $1 keys in order, $2 fingerprint, $3 first key, $4 last key.
 */
export function mergeSql(target: Target): string {
  const key = quoteName(target.key);
  const between = `BETWEEN $3::${target.keyType} AND $4::${target.keyType}`;
  return `UPDATE ${target.table} SET ${quoteName(target.column)} = staged.pgvb_vector, ${quoteName(target.updatedAtColumn)} = now()
    FROM (SELECT ${key} AS pgvb_key, embedding AS pgvb_vector, text_hash AS pgvb_hash
            FROM ${target.stage} WHERE ${key} ${between} AND ${key} = ANY ($1::${target.keyType}[])) staged
   WHERE ${target.ref}.${key} ${between} AND ${target.ref}.${key} = staged.pgvb_key AND ${target.where}
     AND ${textHashSql(target, '$2')} = staged.pgvb_hash`;
}

/**
 * Takes away vectors of rows that have no usable text (any more), if that is still so.
 * $1 keys, $2 hashes, $3 fingerprint.
 */
export function clearSql(target: Target): string {
  const column = quoteName(target.column);
  const key = `${target.ref}.${quoteName(target.key)}`;
  return `UPDATE ${target.table} SET ${column} = NULL, ${quoteName(target.updatedAtColumn)} = now()
    FROM (SELECT pgvb_key, pgvb_hash FROM unnest($1::${target.keyType}[], $2::bytea[]) AS u (pgvb_key, pgvb_hash)) gone
   WHERE ${key} = ANY ($1::${target.keyType}[]) AND ${key} = gone.pgvb_key AND ${target.ref}.${column} IS NOT NULL
     AND ${textHashSql(target, '$3')} = gone.pgvb_hash`;
}

/** @returns false where another worker has taken the batch over. */
export async function mergePage(
  context: PipelineContext,
  batch: ClaimedBatch,
  rows: readonly WorkRow[],
  page: EmbeddedPage,
): Promise<boolean> {
  const { settings } = context;
  const unusable = new Set(page.unusable.map(({ row }) => row.key));
  const merged = rows.filter((row) => !row.empty && !unusable.has(row.key));
  const refuse = (row: WorkRow, error: unknown): Promise<boolean> => refuseRow(context, batch, row, error);
  const merging = new Bisection<WorkRow>((part) => mergeRows(context, batch, part), refuse);
  for (let start = 0; start < merged.length; start += settings.mergeRows)
    if (!(await merging.write(merged.slice(start, start + settings.mergeRows)))) return false;
  const cleared = rows.filter((row) => row.empty || unusable.has(row.key));
  return new Bisection<WorkRow>((part) => clearRows(context, batch, part), refuse).write(cleared);
}

function mergeRows(
  { pool, target, embedder }: PipelineContext,
  batch: ClaimedBatch,
  rows: readonly WorkRow[],
): Promise<boolean> {
  const keys = rows.map((row) => row.key);
  const released = rows.filter((row) => row.wasQuarantined).map((row) => row.key);
  return inTransaction(pool, TABLE_LIMITS, async (client) => {
    if (!(await holdBatch(client, batch))) return false;
    await client.query(mergeSql(target), [keys, embedder.fingerprint, keys[0], keys.at(-1)]);
    await releaseRows(client, target.backfill, released);
    return true;
  });
}

/** The table takes no UPDATE of this row: it stays as it is, and is set aside with what PostgreSQL says. */
function refuseRow(
  { pool, target }: PipelineContext,
  batch: ClaimedBatch,
  row: WorkRow,
  error: unknown,
): Promise<boolean> {
  const reason = `the table refuses the row's vector: ${describeFailure(error)}`;
  return inTransaction(pool, LEDGER_LIMITS, async (client) => {
    if (!(await holdBatch(client, batch))) return false;
    await quarantineRows(client, target.backfill, batch, [
      { key: row.key, class: 'refused', reason, textHash: row.hash },
    ]);
    return true;
  });
}

function clearRows(
  context: PipelineContext,
  batch: ClaimedBatch,
  rows: readonly WorkRow[],
): Promise<boolean> {
  const { target, embedder } = context;
  const keys = rows.map((row) => row.key);
  return inTransaction(context.pool, TABLE_LIMITS, async (client) => {
    if (!(await holdBatch(client, batch))) return false;
    await client.query(clearSql(target), [keys, rows.map((row) => row.hash), embedder.fingerprint]);
    await client.query(
      `DELETE FROM ${target.stage} WHERE ${quoteName(target.key)} = ANY ($1::${target.keyType}[])`,
      [keys],
    );
    const empty = rows.filter((row) => row.empty && row.wasQuarantined).map((row) => row.key);
    await releaseRows(client, target.backfill, empty);
    return true;
  });
}
