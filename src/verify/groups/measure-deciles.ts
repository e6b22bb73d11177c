/** A few searches within a few groups of each decile: as reads are served, and by the index with other settings of a scan. */

import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import { forDepth, type ReadSettings } from '../../ledger/reads/read-settings.ts';
import type { Filter } from '../../search/queries/filter.ts';
import { nearestOfEach, type ScanMode, type TimedNeighbours } from '../../search/queries/vector-query.ts';
import { scanDepth } from '../../table/candidates.ts';
import { keyTextSql, legacyKey } from '../../table/key.ts';
import { vectorColumn, vectorRows } from '../../table/stored-vectors.ts';
import { findVectorExtension, isAtLeast } from '../../table/vector-extension.ts';
import { explainSearch } from '../measures/plan.ts';
import { besideOwn } from '../measures/recall.ts';
import type { SearchContext } from '../measures/systems.ts';
import type { SampledRow } from '../queries/sampled-rows.ts';
import { groupFilter, type GroupColumn } from './group-column.ts';
import { ASKED_K, figuresOf, type AskedOnce, type Figures } from './group-figures.ts';
import type { Decile, GroupSizes } from './group-sizes.ts';

export interface DecileFigures extends Omit<Decile, 'picked'> {
  measuredGroups: number;
  /** The node that reads the table for a search in one of them; null where none could be asked. */
  node: string | null;
  /** As searches run, before createSearch completes a short answer without the index. Null where nothing could be measured. */
  served: Figures | null;
  /** By the vector index, whatever the planner would take, with other settings of its scan. */
  variants: (Figures & { settings: ReadSettings })[];
  /** Why less was measured than was to be; null where all was. */
  leftOut: string | null;
}

const QUERIES = 4;
/** Of a group of which a few rows are drawn: the first that come, so that a large one is not read to its end. */
const DRAWN_FROM = 1000;
/** Of one decile: behind it no further group is asked. Without an index of the column the exact answer reads the table. */
const DECILE_MS = 20_000;
const LIMITS = { ...TABLE_LIMITS, statementTimeoutMs: 30_000, tries: 1 };
/** pgvector's own bound, and five times as much. */
const MAX_SCAN_TUPLES = 20_000;
const MORE_SCAN_TUPLES = 5 * MAX_SCAN_TUPLES;

export async function measureDeciles(
  context: SearchContext,
  column: GroupColumn,
  { deciles, rows }: GroupSizes,
  onDecile: (decile: number) => void,
): Promise<DecileFigures[]> {
  const variants = await variantsOf(context, rows);
  const measured: DecileFigures[] = [];
  for (const decile of deciles) {
    onDecile(decile.decile);
    measured.push(await measureDecile(context, column, decile, variants));
  }
  return measured;
}

async function variantsOf({ pool, target, read }: SearchContext, rows: number): Promise<ReadSettings[]> {
  const { version } = await findVectorExtension(pool);
  if (!isAtLeast(version ?? '0', '0.8.0')) return [];
  if (target.indexed.method === 'ivfflat')
    return ['off', 'relaxed_order'].map((scan) => ({ ...read, 'ivfflat.iterative_scan': scan }));
  const scans = ['off', 'relaxed_order', 'strict_order'].map((scan) => ({
    ...read,
    'hnsw.iterative_scan': scan,
    'hnsw.max_scan_tuples': String(MAX_SCAN_TUPLES),
  }));
  // Of a smaller index all is read by then; passages are more than rows.
  if (rows <= MAX_SCAN_TUPLES && !target.hasPassages) return scans;
  return [...scans, { ...scans.at(-1), 'hnsw.max_scan_tuples': String(MORE_SCAN_TUPLES) }];
}

async function measureDecile(
  context: SearchContext,
  column: GroupColumn,
  { picked, ...decile }: Decile,
  variants: readonly ReadSettings[],
): Promise<DecileFigures> {
  const started = performance.now();
  const served: AskedOnce[] = [];
  const tried = variants.map((settings) => ({ settings, asked: [] as AskedOnce[] }));
  let [measuredGroups, node, leftOut]: [number, string | null, string | null] = [0, null, null];
  for (const { value } of picked) {
    if (performance.now() - started > DECILE_MS) {
      leftOut = `after ${Math.round(DECILE_MS / 1000)} s no further group was asked`;
      break;
    }
    const filter = groupFilter(column, value);
    try {
      const rows = await rowsOf(context, filter);
      const [first] = rows;
      if (first === undefined) continue;
      const exact = await answers(context, rows, filter, 'unindexed', {});
      const pair = (all: readonly TimedNeighbours[]): AskedOnce[] =>
        rows.map(({ key }, at) => ({
          own: key,
          exact: exact[at]?.neighbours ?? [],
          answer: all[at] as TimedNeighbours,
        }));
      node ??= (await explainSearch(context, first.vector, filter)).node;
      // What the widest scan has read is in the cache then, for all of them.
      await answers(context, rows, filter, 'index', variants.at(-1) ?? context.read);
      await answers(context, rows, filter, 'planned', context.read);
      served.push(...pair(await answers(context, rows, filter, 'planned', context.read)));
      for (const each of tried)
        each.asked.push(...pair(await answers(context, rows, filter, 'index', each.settings)));
      measuredGroups++;
    } catch (error) {
      if (!hasSqlState(error, SQLSTATE.queryCanceled)) throw error;
      leftOut = `a search within a group took longer than ${LIMITS.statementTimeoutMs / 1000} s`;
      break;
    }
  }
  return {
    ...decile,
    measuredGroups,
    node,
    served: figuresOf(served),
    variants: tried.flatMap(({ settings, asked }) => {
      const figures = figuresOf(asked);
      return figures === null ? [] : [{ settings, ...figures }];
    }),
    leftOut,
  };
}

async function rowsOf({ pool, target }: SearchContext, filter: Filter): Promise<SampledRow[]> {
  const key = keyTextSql(target, legacyKey(target));
  const vector = vectorColumn(target);
  const found = await inReadOnly(pool, LIMITS, (client) =>
    client.query<SampledRow>(
      `SELECT drawn.key, drawn.vector::text AS vector
         FROM (SELECT ${key} AS key, ${vector} AS vector FROM ${vectorRows(target, 'first')}
                WHERE ${target.where} AND (${filter.where}) AND ${vector} IS NOT NULL LIMIT ${DRAWN_FROM}) drawn
        ORDER BY md5(drawn.key) LIMIT ${QUERIES}`,
      [...filter.values],
    ),
  );
  return found.rows;
}

async function answers(
  { pool, target, settings }: SearchContext,
  rows: readonly SampledRow[],
  filter: Filter,
  mode: ScanMode,
  read: ReadSettings,
): Promise<TimedNeighbours[]> {
  const vectors = rows.map(({ vector }) => vector);
  const options = { filter, limits: LIMITS, read: besideOwn(forDepth(read, scanDepth(target, ASKED_K))) };
  return nearestOfEach(pool, target, settings.metric, vectors, ASKED_K, mode, options);
}
