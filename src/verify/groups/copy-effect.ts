/**
 * What an index of one group's rows alone would bring, measured: on a temporary table with vectors of the largest group among
 * others, bounded in rows, which is gone with its transaction. Nothing of the operator's is changed.
 */

import type pg from 'pg';
import { quoteName } from '../../db/identifiers.ts';
import { codeOf, isUnreachable } from '../../db/sqlstates.ts';
import { TABLE_LIMITS, inTransaction } from '../../db/transaction.ts';
import { indexKindSql, wantedIndex } from '../../finalize/index-definition.ts';
import { forDepth } from '../../ledger/reads/read-settings.ts';
import { iterativeSettings, type TimedNeighbours } from '../../search/queries/vector-query.ts';
import { candidatesSql, isReranked, rerankedSql, scanDepth } from '../../table/candidates.ts';
import { indexedDistance, storedDistance } from '../../table/distance.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { sampledPagesSql } from '../../table/sample-rows.ts';
import { columnStore } from '../../table/store.ts';
import { vectorColumn, vectorRows } from '../../table/stored-vectors.ts';
import type { Target } from '../../table/backfill-target.ts';
import { findVectorExtension } from '../../table/vector-extension.ts';
import { besideOwn } from '../measures/recall.ts';
import type { SearchContext } from '../measures/systems.ts';
import { groupFilter, type GroupColumn } from './group-column.ts';
import { ASKED_K, figuresOf, type Figures } from './group-figures.ts';
import type { GroupSizes } from './group-sizes.ts';

export interface CopyEffect {
  /** Of the copy; of rows with passages, the first one of each. */
  rows: number;
  groupRows: number;
  /** Within the group, by an index of all rows, and by one of its rows alone, as a partial index or a partition has. */
  whole: Figures;
  own: Figures;
  /** Within a group of few rows, by the index of all, and by an ordinary index of the column, which compares every row of the group. Null where the copy has too few others. */
  small: { rows: number; whole: Figures; column: Figures } | null;
}

/** Null where nothing could be measured: `leftOut` says why. */
export interface CopyResult {
  effect: CopyEffect | null;
  leftOut: string | null;
}

const NAME = 'pgvb_groups';
const TABLE = `pg_temp.${NAME}`;
/** Two builds of so many rows take seconds, at most 64 MB at 2000 dimensions. */
const MAX_ROWS = 8000;
const MAX_GROUP_ROWS = 4000;
/** Of fewer nothing can be told. */
const MIN_GROUP_ROWS = 50;
const SMALL_GROUP_ROWS = 50;
const QUERIES = 20;
/** In the copy. */
const LARGEST = 1;
const SMALL = 2;
/** Times the pages that would do for the others, were they evenly filled. */
const OVERSAMPLING = 3;
const LIMITS = { ...TABLE_LIMITS, statementTimeoutMs: 120_000, tries: 1 };

export async function measureCopy(
  context: SearchContext,
  column: GroupColumn,
  { deciles, rows }: GroupSizes,
): Promise<CopyResult> {
  const largest = deciles.at(-1)?.picked[0];
  if (largest === undefined || largest.rows < MIN_GROUP_ROWS)
    return { effect: null, leftOut: `the largest group has fewer than ${MIN_GROUP_ROWS} rows` };
  const groupRows = Math.min(largest.rows, MAX_GROUP_ROWS);
  const others = Math.min(
    MAX_ROWS - groupRows,
    Math.ceil((groupRows * (rows - largest.rows)) / largest.rows),
  );
  try {
    const effect = await inTransaction(context.pool, LIMITS, async (client) => {
      const copy = await copyRows(client, context, column, { value: largest.value, groupRows, others });
      return measureOn(client, { ...context, target: copyTarget(context.target) }, copy);
    });
    return { effect, leftOut: null };
  } catch (error) {
    if (isUnreachable(error)) throw error;
    return {
      effect: null,
      leftOut: `a temporary table could not be made and searched (${codeOf(error) ?? 'UNEXPECTED'})`,
    };
  }
}

const copyTarget = (target: Target): Target => ({
  ...target,
  where: '(true)',
  ref: NAME,
  column: 'embedding',
  store: {
    ...columnStore({ schema: 'pg_temp', name: NAME, isPartitioned: false }, 'embedding'),
    table: TABLE,
  },
  hasPassages: false,
});

async function copyRows(
  client: pg.PoolClient,
  { target }: SearchContext,
  column: GroupColumn,
  wanted: { value: string; groupRows: number; others: number },
): Promise<{ rows: number; groupRows: number }> {
  const type = `${target.vectorPrefix}${target.columnType}${target.dimensions === null ? '' : `(${target.dimensions})`}`;
  await client.query(
    `CREATE TEMPORARY TABLE ${quoteName(NAME)} (id bigint GENERATED ALWAYS AS IDENTITY, grp integer NOT NULL, embedding ${type} NOT NULL) ON COMMIT DROP`,
  );
  const filter = groupFilter(column, wanted.value);
  const percent =
    (100 * OVERSAMPLING * wanted.others) / Math.max(1, await estimatedRows(client, target.table));
  const insert = async (
    group: number,
    from: string,
    condition: string,
    values: unknown[],
  ): Promise<number> => {
    const inserted = await client.query(
      `INSERT INTO ${TABLE} (grp, embedding) SELECT ${group}, ${vectorColumn(target)} FROM ${from}
        WHERE ${target.where} AND ${condition} AND ${vectorColumn(target)} IS NOT NULL LIMIT $2`,
      values,
    );
    return inserted.rowCount ?? 0;
  };
  const groupRows = await insert(LARGEST, vectorRows(target, 'first'), `(${filter.where})`, [
    ...filter.values,
    wanted.groupRows,
  ]);
  const isOther = `(${filter.where}) IS NOT TRUE`;
  const sample = sampledPagesSql().replace('$1', '$3::float8');
  const others = await insert(0, vectorRows(target, 'first', percent < 100 ? sample : ''), isOther, [
    ...filter.values,
    wanted.others,
    ...(percent < 100 ? [percent] : []),
  ]);
  if (others >= 2 * SMALL_GROUP_ROWS)
    await client.query(
      `UPDATE ${TABLE} SET grp = ${SMALL} WHERE id IN (SELECT id FROM ${TABLE} WHERE grp = 0 ORDER BY md5(id::text) LIMIT ${SMALL_GROUP_ROWS})`,
    );
  await client.query(`ANALYZE ${TABLE}`);
  return { rows: groupRows + others, groupRows };
}

type Paths = Record<'indexscan' | 'bitmapscan' | 'seqscan' | 'sort', boolean>;

const BY_VECTORS: Paths = { indexscan: true, bitmapscan: false, seqscan: false, sort: false };
const BY_COLUMN: Paths = { indexscan: true, bitmapscan: true, seqscan: false, sort: true };
const EVERY_ROW: Paths = { indexscan: false, bitmapscan: false, seqscan: true, sort: true };

interface AskedGroup {
  group: number;
  rows: { key: string; vector: string }[];
  exact: TimedNeighbours[];
}

async function measureOn(
  client: pg.PoolClient,
  context: SearchContext,
  counts: { rows: number; groupRows: number },
): Promise<CopyEffect> {
  const { target, settings } = context;
  const index = indexKindSql(target, wantedIndex(target, settings, counts.rows));
  const largest = await askedGroup(client, context, LARGEST);
  const small = await askedGroup(client, context, SMALL);
  await scanSettings(client, context);
  const hasSmall = small.rows.length > 0;
  const by = async <T>(sql: string, work: () => Promise<T>): Promise<T> => {
    await client.query(`CREATE INDEX ${NAME}_idx ON ${TABLE} ${sql}`);
    const measured = await work();
    await client.query(`DROP INDEX pg_temp.${NAME}_idx`);
    return measured;
  };
  const measure = async (group: AskedGroup, paths: Paths): Promise<Figures> =>
    figuresIn(group, await ask(client, context, group, paths));
  const [whole, smallWhole] = await by(index, async () => [
    await measure(largest, BY_VECTORS),
    hasSmall ? await measure(small, BY_VECTORS) : null,
  ]);
  const own = await by(`${index} WHERE (grp = ${LARGEST})`, () => measure(largest, BY_VECTORS));
  const column = hasSmall ? await by('(grp)', () => measure(small, BY_COLUMN)) : null;
  return {
    ...counts,
    whole,
    own,
    small:
      smallWhole == null || column === null ? null : { rows: SMALL_GROUP_ROWS, whole: smallWhole, column },
  };
}

async function askedGroup(client: pg.PoolClient, context: SearchContext, group: number): Promise<AskedGroup> {
  const { rows } = await client.query<AskedGroup['rows'][number]>(
    `SELECT id::text AS key, embedding::text AS vector FROM ${TABLE} WHERE grp = ${group} ORDER BY md5(id::text) LIMIT ${QUERIES}`,
  );
  const asked = { group, rows, exact: [] };
  return { ...asked, exact: await ask(client, context, asked, EVERY_ROW) };
}

async function ask(
  client: pg.PoolClient,
  context: SearchContext,
  { group, rows }: AskedGroup,
  paths: Paths,
): Promise<TimedNeighbours[]> {
  for (const [path, isOn] of Object.entries(paths))
    await client.query(`SET LOCAL enable_${path} = ${isOn ? 'on' : 'off'}`);
  const sql = searchSql(context, group, paths === BY_VECTORS);
  const answers: TimedNeighbours[] = [];
  // The first time pays for what is then in the cache.
  for (const isCounted of [false, true])
    for (const { vector } of rows) {
      const started = performance.now();
      const found = await client.query<{ key: string; distance: number }>(sql, [vector, ASKED_K]);
      if (isCounted) answers.push({ neighbours: found.rows, milliseconds: performance.now() - started });
    }
  return answers;
}

const figuresIn = ({ rows, exact }: AskedGroup, answers: readonly TimedNeighbours[]): Figures =>
  figuresOf(
    rows.map(({ key }, at) => ({
      own: key,
      exact: exact[at]?.neighbours ?? [],
      answer: answers[at] as TimedNeighbours,
    })),
  ) as Figures;

/** `$1` the vector, `$2` the number of rows. */
function searchSql({ target, settings }: SearchContext, group: number, byVectors: boolean): string {
  const vector = `$1::${target.vectorPrefix}vector`;
  const stored = storedDistance(target, settings.metric, vector);
  const isCandidates = byVectors && isReranked(target);
  const order = byVectors ? indexedDistance(target, settings.metric, vector) : stored;
  const scan = `SELECT id::text AS key, (${stored})::float8 AS distance FROM ${TABLE} WHERE grp = ${group} ORDER BY ${order} LIMIT ${isCandidates ? candidatesSql(target, '$2') : '$2'}`;
  return isCandidates ? rerankedSql(scan, ['key', 'distance'], '$2') : scan;
}

/** As searches run: those of reads over the ones that they begin with. */
async function scanSettings(client: pg.PoolClient, { target, read }: SearchContext): Promise<void> {
  const { version } = await findVectorExtension(client);
  const depth = besideOwn(forDepth(read, scanDepth(target, ASKED_K)));
  for (const [name, value] of Object.entries({ ...iterativeSettings(version), ...depth }))
    await client.query('SELECT pg_catalog.set_config($1, $2, true)', [name, value]);
}
