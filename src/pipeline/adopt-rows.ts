/** Before a batch embeds: vectors that were in the column before us are staged as they are, with the hash of the row's present text. */

import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import type { ClaimedBatch } from '../ledger/batch/batch.ts';
import { lockClaim } from '../ledger/claim.ts';
import { rowStatesSql } from '../ledger/rows/row-state.ts';
import { notDisagreeingSql, writtenBeforeSql, type Adoption } from '../ledger/run/adoption.ts';
import type { Target } from '../table/backfill-target.ts';
import { vectorColumn } from '../table/stored-vectors.ts';
import { keyAliases, keyRefs, keyTextSql, legacyKey, sameKeySql } from '../table/key.ts';
import { legacyRangeSql, type KeyRange } from '../table/key-range.ts';
import { pageEndKey } from '../table/page-end-key.ts';
import { lengthLimitSql } from '../table/text-expressions.ts';
import { StatementRamp } from '../throttle/statement-size.ts';
import { measured, type PipelineContext } from './pipeline-context.ts';
import { readingOf, withReadableRows } from './unreadable-rows.ts';

/** Of a vector's length against the one that the model gives: what is off by more is no rounding, of half precision either. */
export const LENGTH_TOLERANCE = 0.01;

/**
 * The legacy table is read, and not written to. What cannot be taken over (written since, of another length, never seen or
 * quarantined by us) is left for the batch to embed. May run again: a row that is staged stays as it is.
 * @returns false where another worker has taken the batch over, or the run was stopped meanwhile
 */
export async function adoptRows(
  context: PipelineContext,
  claim: ClaimedBatch,
  adoption: Adoption,
): Promise<boolean> {
  const { pool, target, throttle, settings } = context;
  const ramp = new StatementRamp(settings.throttle.statementMs);
  for (let { lower } = claim; ;) {
    const limit = ramp.rows(throttle.statementRows);
    if (!(await throttle.admit(limit))) return false;
    const upper = (await pageEndKey(pool, target, { lower, upper: claim.upper }, limit)) ?? claim.upper;
    const page = { lower, upper };
    const started = performance.now();
    const held = await measured(context, 'adopt', () =>
      withReadableRows(readingOf(context, claim), page, () => adoptPage(context, claim, adoption, page)),
    ).catch((error: unknown) => {
      if (hasSqlState(error, SQLSTATE.queryCanceled)) throttle.timedOut();
      throw error;
    });
    if (!held) return false;
    const ms = performance.now() - started;
    ramp.observe(limit, ms);
    await throttle.observe(claim.run, limit, ms);
    if (upper === claim.upper) return true;
    lower = upper;
  }
}

function adoptPage(
  { pool, target, embedder }: PipelineContext,
  claim: ClaimedBatch,
  adoption: Adoption,
  page: KeyRange,
): Promise<boolean> {
  const values: unknown[] = [];
  const sql = adoptSql(target, { fingerprint: embedder.fingerprint, claim, adoption, page }, values);
  const characters = `$${values.push(embedder.maxCharacters)}::int`;
  return inTransaction(pool, TABLE_LIMITS, async (client) => {
    // What closes the batch waits for the disk, and is behind this one in the log.
    await client.query('SET LOCAL synchronous_commit = off');
    if (!(await lockClaim(client, claim))) return false;
    await client.query(sql(characters), values);
    return true;
  });
}

/**
 * `stale` and never staged or quarantined by us: the vector is of unknown origin. Row, hash and the transaction that wrote the
 * row are of one snapshot: where the text is another one by now, the hash says so. Whoever stages the row first wins.
 */
function adoptSql(
  target: Target,
  {
    fingerprint,
    claim,
    adoption,
    page,
  }: { fingerprint: string; claim: ClaimedBatch; adoption: Adoption; page: KeyRange },
  values: unknown[],
): (characters: string) => string {
  const key = legacyKey(target);
  const rowKey = keyAliases(target, 'pgvb_rows.');
  const states = rowStatesSql(target, fingerprint, page, values);
  const legacyRange = legacyRangeSql(target, page, values);
  const batch = `$${values.push(claim.number)}::int`;
  const run = `$${values.push(claim.run)}::bigint`;
  const isOlder = writtenBeforeSql(target.ref, `$${values.push(adoption.boundary)}`);
  const vector = `${vectorColumn(target)}::${target.vectorPrefix}vector`;
  const norm = `${target.vectorPrefix}vector_norm(${vector})`;
  const isLong = adoption.unitLength ? `abs(${norm} - 1) <= ${LENGTH_TOLERANCE}` : `${norm} > 0`;
  return (characters) =>
    `INSERT INTO ${target.stage} (${keyRefs(target).join(', ')}, embedding, text_hash, batch, truncated, adopted)
     SELECT ${key.join(', ')}, ${vector}, pgvb_rows.hash, ${batch}, length(pgvb_rows.text) > ${lengthLimitSql(characters)}, true
       FROM (${states}) pgvb_rows JOIN ${target.table} ON ${sameKeySql(target, key, rowKey)} AND ${legacyRange}
      WHERE pgvb_rows.state = 'stale' AND NOT pgvb_rows.has_stage AND NOT pgvb_rows.was_quarantined AND NOT pgvb_rows.is_empty
        AND ${isOlder} AND ${isLong} AND ${notDisagreeingSql(run, keyTextSql(target, rowKey))}
     ON CONFLICT DO NOTHING`;
}
