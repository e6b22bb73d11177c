/**
 * Rows whose text, or whether they take part, cannot be computed: the operator's expression raises on them, or their bytes
 * are no text. One of them fails every statement that meets it, so it is found by halving and quarantined by its key; from
 * then on it is skipped (see `readableTable`) until the row is written again.
 */

import { optionName } from '../config/option-name.ts';
import type { Pool } from '../db/pool.ts';
import { isOfARow, isOfBytes } from '../db/sqlstates.ts';
import { TABLE_LIMITS, inReadOnly, inTransaction } from '../db/transaction.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { quarantineRows } from '../ledger/rows/quarantine.ts';
import { rowStatesSql, rowVersionSql, textHashSql } from '../ledger/rows/row-state.ts';
import { keyAliases, keyInSql, keyOrderSql, keyTextSql, legacyKey } from '../table/key.ts';
import { keysOnly, orderedKeysSql, rangeAfter, type KeyRange } from '../table/key-range.ts';
import type { Run } from '../ledger/run/run.ts';
import type { Target } from '../table/backfill-target.ts';
import type { PipelineContext } from './pipeline-context.ts';
import { Bisection, REFUSED_IN_A_ROW } from './bisect-rows.ts';
import { writesOf } from './store/writes.ts';

export interface Reading {
  pool: Pool;
  target: Target;
  fingerprint: string;
  /** Whose reading it is; `number` of its batch, 0 for none. */
  claim: { run: string; number: number };
}

export const readingOf = ({ pool, target, embedder }: PipelineContext, claim: Reading['claim']): Reading => ({
  pool,
  target,
  fingerprint: embedder.fingerprint,
  claim,
});

/** Of whoever looks at rows of a run and holds none of its batches. */
export const readingOfRun = (
  pool: Pool,
  target: Target,
  run: Pick<Run, 'id' | 'fingerprint'>,
  number = 0,
): Reading => ({ pool, target, fingerprint: run.fingerprint, claim: { run: run.id, number } });

/** Keys of one look: an index-only read. */
const PAGE_KEYS = 2000;

/**
 * `work`, which reads texts of the range. Where a row of it makes that fail, the row is quarantined and the work is begun
 * again, so it must be repeatable.
 * @throws ConfigError `TEXT_UNREADABLE` where no row can be read; what is no fault of a row, as it comes
 */
export async function withReadableRows<T>(
  reading: Reading,
  range: KeyRange,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      // Each turn takes at least one row out of the way.
      if (!isOfARow(error) || (await quarantineUnreadable(reading, range)) === 0) throw error;
    }
  }
}

/** @returns rows that went into quarantine. */
async function quarantineUnreadable(reading: Reading, range: KeyRange): Promise<number> {
  const { pool, target } = reading;
  let found = 0;
  const bisection = new Bisection<string>(
    async (keys) => {
      await probe(reading, keys);
      return true;
    },
    async (key) => {
      if (await quarantineRow(reading, key)) found++;
      return true;
    },
    async (error) =>
      isOfItsBytes(target, error) || (await readsAnyEdge(reading)) ? null : unreadableAll(error),
  );
  for (let after: string | null = null; ;) {
    const values: unknown[] = [];
    const page: { rows: { key: string }[] } = await pool.query(
      `SELECT ${keyTextSql(target, keyAliases(target))} AS key FROM (${orderedKeysSql(target, rangeAfter(range, after), values)} LIMIT ${PAGE_KEYS}) pgvb_page`,
      values,
    );
    await bisection.write(page.rows.map(({ key }) => key));
    after = page.rows.at(-1)?.key ?? null;
    if (page.rows.length < PAGE_KEYS) return found;
  }
}

/** Everything that any statement computes of these rows. */
async function probe({ pool, target, fingerprint }: Reading, keys: readonly string[]): Promise<void> {
  const values: unknown[] = [];
  const states = rowStatesSql(target, fingerprint, keysOnly(keys), values);
  await inReadOnly(pool, TABLE_LIMITS, (client) =>
    client.query(`SELECT count(*) FILTER (WHERE state IS NULL) FROM (${states}) rows`, values),
  );
}

/** @returns false where the row was written meanwhile: it may be another one now. */
async function quarantineRow(reading: Reading, key: string): Promise<boolean> {
  const version = await versionOf(reading, key);
  const error = await probe(reading, [key]).then(
    () => null,
    (raised: unknown) => raised,
  );
  if (error === null || version === null || version !== (await versionOf(reading, key))) return false;
  if (!isOfARow(error)) throw error;
  const reason = `its text cannot be read: ${messageOf(error)}`;
  const put = (clears: boolean): Promise<void> => putAside(reading, key, { version, reason, clears });
  // A table that refuses the UPDATE, too: the row stays as it is.
  await put(true).catch((refused: unknown) => {
    if (!isOfARow(refused)) throw refused;
    return put(false);
  });
  return true;
}

/** Its vector is of a text that it has no more: it goes away, unless somebody else holds the row or has written it. */
async function putAside(
  { pool, target, claim }: Reading,
  key: string,
  { version, reason, clears }: { version: string; reason: string; clears: boolean },
): Promise<void> {
  await inTransaction(pool, TABLE_LIMITS, async (client) => {
    const present = await writesOf(target).remove(client, target, { key, version }, clears);
    await quarantineRows(client, target.backfill, claim, [
      { key, class: 'unreadable', reason, textHash: Buffer.alloc(0), version: present },
    ]);
  });
}

async function versionOf({ pool, target }: Reading, key: string): Promise<string | null> {
  const values: unknown[] = [];
  const found = await pool.query<{ version: string }>(
    `SELECT ${rowVersionSql(target)} AS version FROM ${target.table} WHERE ${keyInSql(target, legacyKey(target), [key], values)}`,
    values,
  );
  return found.rows[0]?.version ?? null;
}

/** Whether the first or the last row of the table can be read, in quarantine or not: then the expression is not wrong. */
async function readsAnyEdge({ pool, target, fingerprint }: Reading): Promise<boolean> {
  for (const reversed of [false, true]) {
    const order = keyOrderSql(target, legacyKey(target), reversed);
    const reads = await inReadOnly(pool, TABLE_LIMITS, (client) =>
      client.query(
        `SELECT ${textHashSql(target, '$1')}, ${target.where} FROM ${target.table} ORDER BY ${order} LIMIT 1`,
        [fingerprint],
      ),
    ).then(
      () => true,
      () => false,
    );
    if (reads) return true;
  }
  return false;
}

/** Of columns as they are: an expression may be what makes bytes of them that are no text. */
const isOfItsBytes = ({ names }: Target, error: unknown): boolean =>
  names.text === undefined && isOfBytes(error);

const unreadableAll = (error: unknown): ConfigError =>
  new ConfigError(
    `The text of no row can be read: ${REFUSED_IN_A_ROW} rows one after the other, the last one failed by ${messageOf(error)}.`,
    {
      code: 'TEXT_UNREADABLE',
      remedy: `Correct ${optionName('text')} or ${optionName('where')}: run \`pgvector-backfill doctor\`.`,
      cause: error,
    },
  );
