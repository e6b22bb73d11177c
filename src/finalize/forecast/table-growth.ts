/**
 * What writing the vectors takes, before it begins: each row is rewritten with its vector, and its old version stays until
 * a vacuum. By the widths of sampled rows, laid on pages as PostgreSQL does it.
 */

import type { Settings } from '../../config/settings.ts';
import { quoteName } from '../../db/identifiers.ts';
import type { Pool, Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState, isUnreachable } from '../../db/sqlstates.ts';
import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import type { TableGrowthForecast } from '../../ledger/run/table-growth.ts';
import { heapGrowth } from './wording.ts';
import { bytes } from '../../observability/format.ts';
import { TOAST_POINTER_BYTES, aligned, chunksBytes, pagesBytes, storedRow } from '../../table/heap-pages.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { leavesSql } from '../../table/partitions.ts';
import { MORE_PAGES, drawEnough, sampledPagesSql } from '../../table/sample-rows.ts';
import { tableSizes } from '../../table/table-sizes.ts';
import type { Target } from '../../table/backfill-target.ts';
import { vectorBytes } from '../../table/vector-type.ts';

export interface TableGrowthInput {
  pool: Pool;
  target: Target;
  settings: Pick<Settings, 'columnType'>;
  dimensions: number;
  /** Rows that get a vector. */
  rows: number;
  /** Of each, where that is more than one. */
  vectorsPerRow?: number | undefined;
}

const SAMPLED_ROWS = 1000;
/** In the order of the table, so that a limit which is met would leave out its end; for a table that is not what it was said to be. */
const MAX_SAMPLED_ROWS = 20 * SAMPLED_ROWS;
/** Of which rows are thought where the table is empty. */
const BLANK_ROW = [TOAST_POINTER_BYTES * 4];
const TUPLE_HEADER_BYTES = 24;
const UPDATED_AT_BYTES = 8;
/** Staging row without its vector and its key: header, hash and its length, batch, time, flag. */
const STAGE_TUPLE_BYTES = TUPLE_HEADER_BYTES + 36 + 4 + 8 + 1;
/** Row of vectors beside the table, without its vector and its key: header, hash and its length, time. */
const BESIDE_TUPLE_BYTES = TUPLE_HEADER_BYTES + 36 + 8;
/** Number of the passage, its beginning and its end; aligned. */
const PASSAGE_BYTES = 16;
/** Its own hash, behind a length of one byte or four. */
const PASSAGE_HASH_BYTES = 36;
/** Of a passage's number behind the key, aligned. */
const PASSAGE_KEY_BYTES = 8;
/** Records of the staged row's lock, and of an INSERT that found no row in its way. */
const MERGE_RECORDS_BYTES = 54 + 60;
/** Of a key, aligned as what stands behind it. */
const MIN_KEY_BYTES = 8;
/** Of a column whose width varies. */
const TEXT_KEY_BYTES = 24;
/** An entry of a B-tree beside its key, its line pointer and the part of a page that is left free. */
const INDEX_ENTRY_BYTES = 15;
/** Record of a row of COPY, beyond the row. */
const COPY_RECORD_BYTES = 10;
/** Records of the row's lock and of its update, beyond the row. */
const UPDATE_RECORDS_BYTES = 54 + 80;
/** Record of a value's part out of line, and of its index entry. */
const CHUNK_RECORDS_BYTES = 50 + 64;
const INDEX_RECORD_BYTES = 64;

export const forecastTableGrowth = (input: TableGrowthInput): Promise<TableGrowthForecast> =>
  input.target.store.kind === 'table' ? forecastTableBeside(input) : forecastRewrite(input);

async function forecastRewrite(input: TableGrowthInput): Promise<TableGrowthForecast> {
  const { pool, target, settings, dimensions, rows } = input;
  const widths = await sampleWidths(pool, target);
  const { heapBytes, otherIndexes, otherIndexBytes } = await tableSizes(pool, target);
  const all = await estimatedRows(pool, target.table);
  const share = all === 0 ? 1 : Math.min(1, rows / all);
  const scale = rows / widths.length;
  const value = vectorBytes(dimensions, settings.columnType);
  const keyBytes = keyBytesOf(target);
  const fresh = widths.map((width) =>
    storedRow(aligned(TUPLE_HEADER_BYTES + width) + UPDATED_AT_BYTES, value),
  );
  const chunks = fresh.flatMap((row) => row.chunks);
  const staged = widths.map(() => storedRow(STAGE_TUPLE_BYTES + keyBytes, vectorBytes(dimensions, 'vector')));
  const stagedChunks = staged.flatMap((row) => row.chunks);
  const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
  const tuples = fresh.map((row) => row.tuple);
  const stageTuples = staged.map((row) => row.tuple);
  const walOfSample =
    sum(stageTuples) +
    sum(tuples) +
    sum(chunks) +
    sum(stagedChunks) +
    (chunks.length + stagedChunks.length) * CHUNK_RECORDS_BYTES +
    widths.length * (COPY_RECORD_BYTES + UPDATE_RECORDS_BYTES + INDEX_RECORD_BYTES * (1 + otherIndexes));
  const round = (value: number): number => Math.ceil(value);
  const heap = round(pagesBytes(tuples, await fillFactorOf(pool, target)) * scale);
  return {
    heapBytes: heap,
    // What lies in the table now is where later versions go, once vacuum has been by.
    heapMinBytes: (await isVacuumed(pool, target)) ? Math.max(0, heap - round(heapBytes * share)) : heap,
    toastBytes: round(chunksBytes(chunks) * scale),
    otherIndexBytes: round(otherIndexBytes * share),
    stageBytes: round(
      (pagesBytes(stageTuples) + chunksBytes(stagedChunks) + widths.length * (INDEX_ENTRY_BYTES + keyBytes)) *
        scale,
    ),
    // Each page that is there already is written whole once after a checkpoint.
    walBytes: round(walOfSample * scale + (heapBytes + otherIndexBytes) * share),
  };
}

/** The legacy table stays as it is: every row of vectors is as long as the others, but for its key. */
async function forecastTableBeside({
  target,
  settings,
  dimensions,
  rows,
  vectorsPerRow = 1,
}: TableGrowthInput): Promise<TableGrowthForecast> {
  const keyBytes = keyBytesOf(target);
  const vectors = rows * vectorsPerRow;
  const passage = PASSAGE_BYTES + (target.hasPassages ? PASSAGE_HASH_BYTES : 0);
  const sizes = (tuple: number, value: number): { bytes: number; wal: number } => {
    const many = Array.from({ length: SAMPLED_ROWS }, () => storedRow(tuple + keyBytes, value));
    const chunks = many.flatMap((row) => row.chunks);
    const tuples = many.map((row) => row.tuple);
    const all = [...tuples, ...chunks].reduce((sum, each) => sum + each, 0);
    return {
      bytes:
        (pagesBytes(tuples) + chunksBytes(chunks)) / many.length +
        INDEX_ENTRY_BYTES +
        keyBytes +
        PASSAGE_KEY_BYTES,
      wal: (all + chunks.length * CHUNK_RECORDS_BYTES) / many.length + COPY_RECORD_BYTES + INDEX_RECORD_BYTES,
    };
  };
  const staged = sizes(STAGE_TUPLE_BYTES + passage, vectorBytes(dimensions, 'vector'));
  const stored = sizes(BESIDE_TUPLE_BYTES + passage, vectorBytes(dimensions, settings.columnType));
  return {
    heapBytes: 0,
    toastBytes: 0,
    otherIndexBytes: 0,
    tableBytes: Math.ceil(vectors * stored.bytes),
    stageBytes: Math.ceil(vectors * staged.bytes),
    walBytes: Math.ceil(vectors * (staged.wal + stored.wal + MERGE_RECORDS_BYTES)),
  };
}

const keyBytesOf = ({ key }: Target): number =>
  key.reduce((sum, { width }) => sum + Math.max(MIN_KEY_BYTES, width ?? TEXT_KEY_BYTES), 0);

/** Of each page of a part; the smallest of all parts. */
async function fillFactorOf(db: Queryable, target: Target): Promise<number> {
  const found = await db.query<{ percent: number }>(
    `SELECT coalesce(min((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor')), 100) AS percent
       FROM ${leavesSql('$1::regclass')} leaf JOIN pg_class c ON c.oid = leaf.relid`,
    [target.table],
  );
  return found.rows[0]?.percent ?? 100;
}

/** Whether autovacuum comes by in every part while the rows are written. */
async function isVacuumed(db: Queryable, target: Target): Promise<boolean> {
  const found = await db.query<{ on: boolean }>(
    `SELECT current_setting('autovacuum')::boolean AND current_setting('track_counts')::boolean
            AND coalesce(bool_and(coalesce((SELECT option_value::boolean FROM pg_options_to_table(c.reloptions) WHERE option_name = 'autovacuum_enabled'), true)), true) AS on
       FROM ${leavesSql('$1::regclass')} leaf JOIN pg_class c ON c.oid = leaf.relid`,
    [target.table],
  );
  return found.rows[0]?.on === true;
}

/** Bytes of sampled rows' values as they lie in the row; a value above 2,000 bytes is out of line already, and stays where it is. */
async function sampleWidths(pool: Pool, target: Target): Promise<number[]> {
  const columns = await pool.query<{ name: string; length: number }>(
    `SELECT attname::text AS name, attlen AS length FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL ($2) ORDER BY attnum`,
    [target.table, [target.column, target.updatedAtColumn]],
  );
  const width = columns.rows.map(({ name, length }) => {
    const column = `${target.ref}.${quoteName(name)}`;
    if (length > 0) return `CASE WHEN ${column} IS NULL THEN 0 ELSE ${length} END`;
    return `CASE WHEN pg_column_size(${column}) > 2000 THEN ${TOAST_POINTER_BYTES} ELSE coalesce(pg_column_size(${column}), 0) END`;
  });
  const all = await estimatedRows(pool, target.table);
  const percent = all <= 10 * SAMPLED_ROWS ? 100 : (100 * 4 * SAMPLED_ROWS) / all;
  const draw = (share: number): Promise<{ rows: { width: number }[] }> =>
    inReadOnly(pool, TABLE_LIMITS, (client) =>
      client.query<{ width: number }>(
        `SELECT (${width.join(' + ')})::float8 AS width FROM ${target.table} ${sampledPagesSql()}
        WHERE ${target.where} LIMIT $2`,
        [share, MAX_SAMPLED_ROWS],
      ),
    );
  const found = await drawEnough(
    draw,
    { percent, more: Math.min(100, MORE_PAGES * percent) },
    ({ rows }) => rows.length < SAMPLED_ROWS / 4,
  )
    // A condition that does not run or would write, or a part that cannot be read, is named by the checks of the table.
    .catch((error: unknown) => {
      if (isUnreachable(error) && !hasSqlState(error, SQLSTATE.readOnly)) throw error;
      return { rows: [] };
    });
  return found.rows.length === 0 ? BLANK_ROW : found.rows.map((row) => row.width);
}

/** "new row versions 98 MB to 148 MB, vectors out of line 52 MB, other indexes up to 2.2 MB, staging table 196 MB, WAL 430 MB" */
export function tableGrowthLine(growth: TableGrowthForecast): string {
  const parts = [
    growth.tableBytes === undefined ? '' : `table of vectors ${bytes(growth.tableBytes)}`,
    growth.tableBytes === undefined ? `new row versions ${heapGrowth(growth)}` : '',
    growth.toastBytes > 0 ? `vectors out of line ${bytes(growth.toastBytes)}` : '',
    growth.otherIndexBytes > 0 ? `other indexes up to ${bytes(growth.otherIndexBytes)}` : '',
    `staging table ${bytes(growth.stageBytes)}`,
    `WAL ${bytes(growth.walBytes)}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
