/** Does the index bring as many rows as are wanted, also for queries that are no rows, and over what vacuum has not cleared away? */

import pgvector from 'pgvector';
import { quoteQualified } from '../../db/identifiers.ts';
import { nearestRows } from '../../search/queries/nearest-rows.ts';
import { nearestOfEach } from '../../search/queries/vector-query.ts';
import { leavesSql } from '../../table/partitions.ts';
import type { Check } from '../check.ts';
import { RECALL_K } from '../measures/recall.ts';
import type { SearchContext } from '../measures/systems.ts';

/** Of each kind of query. */
const MAX_PROBES = 20;
/** Single nodes that no way leads to are made up for by reading the table; what needs that as a rule is no index. */
const MAX_SHORT = 0.1;

/**
 * A row as query finds itself and its neighbours however many entries beside them are dead; so between two rows, and away
 * from each, is asked as well.
 * @param vectors of rows, as pgvector's text form. @param embedded rows with a vector
 */
export async function checkResultCount(
  context: SearchContext,
  vectors: readonly string[],
  embedded: number,
): Promise<Check> {
  const { pool, target, settings, read } = context;
  const wanted = Math.min(RECALL_K, embedded);
  const probes = probesOf(vectors.slice(0, MAX_PROBES));
  const found = await nearestOfEach(pool, target, settings.metric, probes, RECALL_K, 'index', { read });
  const lengths = found.map(({ neighbours }) => neighbours.length);
  const short = lengths.filter((length) => length < wanted).length;
  const served = short === 0 ? wanted : await minServed(context, probes);
  const dead = await deadRows(context);
  const passed = served >= wanted && short <= MAX_SHORT * probes.length;
  return {
    name: `answers@${RECALL_K}`,
    passed,
    value: served,
    threshold: wanted,
    detail: `fewest rows of ${probes.length} answers, most of the queries not rows themselves; by the index alone ${short} came short; ${dead} dead rows that vacuum has not cleared away, by the statistics`,
    remedy: passed
      ? null
      : `Run VACUUM ${quoteQualified(target)}, then \`pgvector-backfill verify\`; searches make up for it by reading the table. Where it stays so, take off settings of reads that end a scan early (hnsw.iterative_scan = off, a small hnsw.max_scan_tuples), and upgrade pgvector where it is older than 0.8.`,
  };
}

async function minServed(
  { pool, target, settings, read }: SearchContext,
  probes: readonly string[],
): Promise<number> {
  let fewest = RECALL_K;
  for (const probe of probes) {
    const { neighbours } = await nearestRows(pool, target, settings.metric, probe, RECALL_K, { read });
    fewest = Math.min(fewest, neighbours.length);
  }
  return fewest;
}

/** The rows themselves, the middle between each and the next, and the opposite of each. */
function probesOf(vectors: readonly string[]): string[] {
  const rows = vectors.map((vector) => JSON.parse(vector) as number[]);
  const probes = rows.flatMap((row, at) => {
    const next = rows[(at + 1) % rows.length] ?? row;
    return [row.map((value, place) => (value + (next[place] ?? 0)) / 2), row.map((value) => -value)];
  });
  return [
    ...vectors,
    ...probes.filter((probe) => probe.some((value) => value !== 0)).map((probe) => pgvector.toSql(probe)),
  ];
}

async function deadRows({ pool, target }: SearchContext): Promise<number> {
  const found = await pool.query<{ dead: number }>(
    `SELECT coalesce(sum(pg_stat_get_dead_tuples(leaf.relid)), 0)::float8 AS dead FROM ${leavesSql('$1::regclass')} leaf`,
    [target.store.table],
  );
  return found.rows[0]?.dead ?? 0;
}
