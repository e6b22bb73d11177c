/** Step 5, transaction A: the vectors of a page into the staging table by binary COPY. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { encodeStagedRows } from '../db/copy-binary.ts';
import { quoteName } from '../db/identifiers.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { holdBatch, markStaged, type ClaimedBatch } from '../ledger/batch.ts';
import { quarantineRows } from '../ledger/quarantine.ts';
import { rangeSql } from '../table/row-state.ts';
import type { Target } from '../table/target.ts';
import type { PipelineContext } from './context.ts';
import type { EmbeddedPage } from './embed.ts';
import type { WorkRow } from './read.ts';

/** @returns false where another worker has taken the batch over. */
export async function stagePage(
  context: PipelineContext,
  batch: ClaimedBatch,
  rows: readonly WorkRow[],
  page: EmbeddedPage,
): Promise<boolean> {
  const { target, embedder } = context;
  const replaced = rows.filter((row) => row.hasStage && !row.isStaged).map((row) => row.key);
  return inTransaction(context.pool, TABLE_LIMITS, async (client) => {
    // The merge's commit, which waits for the disk, is behind this one in the log: this one need not wait itself.
    await client.query('SET LOCAL synchronous_commit = off');
    if (!(await holdBatch(client, batch))) return false;
    await deleteOrphans(client, target, batch);
    if (replaced.length > 0) {
      await client.query(
        `DELETE FROM ${target.stage} WHERE ${quoteName(target.key)} = ANY ($1::${target.keyType}[])`,
        [replaced],
      );
    }
    if (page.embedded.length > 0) {
      const copy = client.query(
        copyFrom(
          `COPY ${target.stage} (${quoteName(target.key)}, embedding, text_hash, batch, truncated) FROM STDIN BINARY`,
        ),
      );
      const shape = { keyWidth: target.keyWidth, dimensions: embedder.dimensions, batch: batch.number };
      await pipeline(Readable.from(encodeStagedRows(page.embedded, shape)), copy);
    }
    const set = page.unusable.map(({ row, ...why }) => ({ key: row.key, textHash: row.hash, ...why }));
    await quarantineRows(client, target.backfill, batch, set);
    await markStaged(client, batch, page);
    return true;
  });
}

/** Staged rows whose legacy row is gone, or no longer takes part. */
async function deleteOrphans(client: pg.PoolClient, target: Target, batch: ClaimedBatch): Promise<void> {
  const key = quoteName(target.key);
  const values: unknown[] = [];
  const range = rangeSql(target, `s.${key}`, batch, values);
  // Said for the legacy table too, or the planner may read all of it to find out which keys exist.
  const legacyRange = rangeSql(target, `${target.ref}.${key}`, batch, values);
  await client.query(
    `DELETE FROM ${target.stage} s WHERE ${range}
        AND NOT EXISTS (SELECT 1 FROM ${target.table} WHERE ${legacyRange} AND ${target.ref}.${key} = s.${key} AND ${target.where})`,
    values,
  );
}
