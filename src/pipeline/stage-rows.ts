/** Step 5, transaction A: the vectors of a page into the staging table by binary COPY. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { encodeStagedRows } from '../db/copy-binary.ts';
import { quoteName } from '../db/identifiers.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import type { Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { assertWritten } from '../ledger/rows/assert-written.ts';
import { lockClaim, markClaimStaged, type Claim } from '../ledger/batch/claim.ts';
import { quarantineRows } from '../ledger/rows/quarantine.ts';
import { keyText } from '../table/key.ts';
import { QUARANTINED, STAGED, readableTable } from '../ledger/rows/row-state.ts';
import { rangeSql, type KeyRange } from '../table/key-range.ts';
import type { Target } from '../table/backfill-target.ts';
import { emptyTextSql } from '../table/text-expressions.ts';
import type { PipelineContext } from './pipeline-context.ts';
import type { EmbeddedPage } from './embed-rows.ts';
import type { WorkRow } from './read-rows.ts';

/** Tries in all, where another worker stages a row of the page at the same time. */
const MAX_TRIES = 3;

/** @returns false where another worker has taken the batch over. */
export async function stagePage(
  context: PipelineContext,
  claim: Claim,
  rows: readonly WorkRow[],
  page: EmbeddedPage,
): Promise<boolean> {
  const { target } = context;
  let replaced = rows.filter((row) => row.hasStage && !row.isStaged).map((row) => row.key);
  for (let attempt = 1; ; attempt++) {
    try {
      return await stageOnce(context, claim, page, replaced);
    } catch (error) {
      // A batch and the drain of changes have met at a row that was not staged when it was read. Either may win: where
      // the older text does, the row counts as stale, and whoever reads it next brings it in line.
      if (!isStagedTwice(error, target) || attempt >= MAX_TRIES) throw error;
      replaced = page.embedded.map((row) => keyText(target.keyType, row.key));
    }
  }
}

const isStagedTwice = (error: unknown, target: Target): boolean =>
  hasSqlState(error, SQLSTATE.uniqueViolation) && (error as pg.DatabaseError).table === target.stageName;

function stageOnce(
  context: PipelineContext,
  claim: Claim,
  page: EmbeddedPage,
  replaced: readonly string[],
): Promise<boolean> {
  const { target, embedder } = context;
  return inTransaction(context.pool, TABLE_LIMITS, async (client) => {
    // The merge's commit, which waits for the disk, is behind this one in the log: this one need not wait itself.
    await client.query('SET LOCAL synchronous_commit = off');
    if (!(await lockClaim(client, claim))) return false;
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
      const shape = { keyWidth: target.keyWidth, dimensions: embedder.dimensions, batch: claim.number };
      await pipeline(Readable.from(encodeStagedRows(page.embedded, shape)), copy);
      assertWritten('COPY of vectors', page.embedded.length, copy.rowCount);
    }
    const set = page.unusable.map(({ row, ...why }) => ({ key: row.key, textHash: row.hash, ...why }));
    await quarantineRows(client, target.backfill, claim, set);
    await markClaimStaged(client, claim, page);
    return true;
  });
}

/** Rows of the legacy table that take part and have a vector, or a text to make one of; those that cannot be read, too. */
function neededRows(target: Target, backfill: string): { from: string; isNeeded: string } {
  const { from, unreadable, eligible } = readableTable(target, backfill);
  const isNeeded = `CASE WHEN ${unreadable} THEN true ELSE ${eligible}
      AND (${target.ref}.${quoteName(target.column)} IS NOT NULL OR NOT (${emptyTextSql(target.text)})) END`;
  return { from, isNeeded };
}

/**
 * Staged rows of a range whose legacy row is gone, no longer takes part, or has been emptied and has no vector. Behind the
 * staging, not before it: a row may be deleted or emptied between its reading and its staging.
 */
export async function deleteOrphans(db: Queryable, target: Target, range: KeyRange): Promise<void> {
  const key = quoteName(target.key);
  const values: unknown[] = [];
  const staged = rangeSql(target, `${STAGED}.${key}`, range, values);
  // Said for the legacy table too, or the planner may read all of it to find out which keys exist.
  const legacyRange = rangeSql(target, `${target.ref}.${key}`, range, values);
  const { from, isNeeded } = neededRows(target, `$${values.push(target.backfill)}`);
  await db.query(
    `DELETE FROM ${target.stage} ${STAGED} WHERE ${staged}
        AND NOT EXISTS (SELECT 1 FROM ${from} WHERE ${legacyRange} AND ${target.ref}.${key} = ${STAGED}.${key} AND ${isNeeded})`,
    values,
  );
}

/** The same of quarantined rows, of these keys; also those that have been emptied: there is nothing left to embed or refuse. */
export async function releaseOrphans(db: Queryable, target: Target, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const values: unknown[] = [];
  const legacyRange = rangeSql(
    target,
    `${target.ref}.${quoteName(target.key)}`,
    { lower: null, upper: null, keys },
    values,
  );
  const backfill = `$${values.push(target.backfill)}`;
  const { from, isNeeded } = neededRows(target, backfill);
  await db.query(
    `DELETE FROM pgvector_backfill.quarantine ${QUARANTINED} WHERE ${QUARANTINED}.backfill = ${backfill} AND ${QUARANTINED}.key = ANY ($${values.push(keys)}::text[])
        AND NOT EXISTS (SELECT 1 FROM ${from} WHERE ${legacyRange} AND ${target.ref}.${quoteName(target.key)}::text = ${QUARANTINED}.key AND ${isNeeded})`,
    values,
  );
}
