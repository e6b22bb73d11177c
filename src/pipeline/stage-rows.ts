/** Step 5, transaction A: the vectors of a page into the staging table by binary COPY. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { encodeStagedRows } from '../db/copy-binary.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { assertWritten } from '../ledger/rows/assert-written.ts';
import { lockClaim, markClaimStaged, type Claim } from '../ledger/claim.ts';
import { quarantineRows } from '../ledger/rows/quarantine.ts';
import { keyRefs } from '../table/key.ts';
import type { Target } from '../table/backfill-target.ts';
import type { PipelineContext } from './pipeline-context.ts';
import type { EmbeddedPage } from './checked-vectors.ts';
import type { WorkRow } from './read-rows.ts';
import { deleteStaged } from './store/staged-rows.ts';

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
      replaced = rows.filter((row) => !row.empty && !row.isStaged).map((row) => row.key);
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
    await deleteStaged(client, target, replaced);
    if (page.embedded.length > 0) {
      const hasPassages = target.store.kind === 'table';
      const copy = client.query(
        copyFrom(
          `COPY ${target.stage} (${keyRefs(target).join(', ')}, embedding, text_hash, batch, truncated${hasPassages ? ', chunk, chunk_start, chunk_end, chunk_hash' : ''}) FROM STDIN BINARY`,
        ),
      );
      const { dimensions } = embedder;
      const shape = { keyColumns: target.key.length, dimensions, batch: claim.number, hasPassages };
      await pipeline(Readable.from(encodeStagedRows(page.embedded, shape)), copy);
      assertWritten('COPY of vectors', page.embedded.length, copy.rowCount);
    }
    const set = page.unusable.map(({ row, ...why }) => ({ key: row.key, textHash: row.hash, ...why }));
    await quarantineRows(client, target.backfill, claim, set);
    await markClaimStaged(client, claim, page);
    return true;
  });
}
