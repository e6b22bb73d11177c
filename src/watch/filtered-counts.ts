/** Do searches that keep few of the rows get their k by the index, or as many as there are? Asked with conditions made for it. */

import type { FilteredCount } from '../ledger/passes/pass-result.ts';
import { nearest, nearestOfEach } from '../search/queries/vector-query.ts';
import type { Filter } from '../search/queries/filter.ts';
import { keyTextSql, legacyKey } from '../table/key.ts';
import type { Target } from '../table/backfill-target.ts';
import { RECALL_K } from '../verify/measures/recall.ts';
import type { SearchContext } from '../verify/measures/systems.ts';
import type { Budget } from './budget.ts';

const SELECTIVITIES = [0.01, 0.001, 0.0001];
/** Of each: a search that keeps one row in ten thousand scans the whole of what it may. */
const QUERIES = 10;
/** By a hash of the key, of so many values. */
const VALUES = 2 ** 20;
/** Rows expected from which on there are k of them, but for a chance that nobody has to think of. */
const SURELY_ENOUGH = 4 * RECALL_K;

/** A condition that keeps that share of the rows, spread evenly over them, whatever they hold. */
export function filterOf(target: Target, selectivity: number): Filter {
  const key = `(${keyTextSql(target, legacyKey(target))}) COLLATE pg_catalog."C"`;
  const hash = `pg_catalog.hashtextextended(${key}, 0) OPERATOR(pg_catalog.&) ${VALUES - 1}::pg_catalog.int8`;
  return {
    name: `${100 * selectivity} %`,
    where: `(${hash}) OPERATOR(pg_catalog.<) $1::pg_catalog.int8`,
    values: [Math.round(selectivity * VALUES)],
  };
}

/**
 * @param rows that have a vector, about
 * @param isWhole whether the table may be read as a whole: how many rows there are is asked only then
 */
export async function filteredCounts(
  context: SearchContext,
  vectors: readonly string[],
  { rows, isWhole }: { rows: number; isWhole: boolean },
  budget: Budget,
): Promise<FilteredCount[]> {
  const counts: FilteredCount[] = [];
  const asked = vectors.slice(0, QUERIES);
  try {
    for (const selectivity of asked.length === 0 ? [] : SELECTIVITIES) {
      if (!(await budget.allows())) break;
      const expected = { selectivity, isSure: rows * selectivity >= SURELY_ENOUGH, isWhole };
      const counted = await countAt(context, asked, expected, budget);
      if (counted !== null) counts.push(counted);
    }
  } catch (error) {
    budget.ended(error);
  }
  return counts;
}

/** Null where nobody can tell how many there should be, or there are none. */
async function countAt(
  { pool, target, settings, read }: SearchContext,
  vectors: readonly string[],
  { selectivity, isSure, isWhole }: { selectivity: number; isSure: boolean; isWhole: boolean },
  budget: Budget,
): Promise<FilteredCount | null> {
  const { metric } = settings;
  const filter = filterOf(target, selectivity);
  let wanted = RECALL_K;
  if (!isSure) {
    if (!isWhole) return null;
    const scan = { filter, limits: budget.limits };
    const exact = await nearest(pool, target, metric, vectors[0] as string, RECALL_K, 'exact', scan);
    wanted = exact.neighbours.length;
    if (wanted === 0) return null;
  }
  const scan = { filter, read, limits: budget.limits };
  const found = await nearestOfEach(pool, target, metric, vectors, RECALL_K, 'index', scan);
  const lengths = found.map(({ neighbours }) => neighbours.length);
  return {
    selectivity,
    queries: vectors.length,
    wanted,
    fewest: Math.min(...lengths),
    short: lengths.filter((length) => length < wanted).length,
  };
}
