/** What a search takes where a row has several vectors, against one vector a row in a column, at the same recall; and by filters. */

import { createIndexSql, wantedIndex } from '../../../src/finalize/index-definition.ts';
import type { PipelineContext } from '../../../src/pipeline/pipeline-context.ts';
import { nearestRows } from '../../../src/search/queries/nearest-rows.ts';
import type { ReadSettings } from '../../../src/ledger/reads/read-settings.ts';
import { median, ratioOf, type Ratio } from '../ratio.ts';
import { EXACT, K, askInTurns, queriesOf, recallOf, type Asked } from './searches.ts';

export interface PassageMeasures {
  /** Search p50 over passages, one a row, as a part of what it takes by the very same vectors as rows. */
  oneMs: Ratio;
  passagesPerRow: number;
  rows: number;
  passages: number;
  /** As many candidates of the index (hnsw.ef_search) as give the recall of the column with pgvector's own 40, or that of the gate. */
  efSearch: number;
  recall: { column: number; passages: number };
  /** Per round. */
  p50Ms: { column: number[]; passages: number[] };
  /** As a part of what it takes with one vector a row in a column. */
  severalMs: Ratio;
  /** As a part of what the ten nearest passages take by the same index, whichever rows they are of. */
  distinctMs: Ratio;
  /** By filters: rows that match, fewest of an answer, ms. */
  filters: { keepsOneOf: number; matching: number; fewest: number; p50Ms: number }[];
}

const PASSAGES = 5;
const EF_SEARCH = [40, 60, 80, 100, 150, 200, 300, 400];
/** Of answers to so few queries, recalls so near are the same. */
const SAME_RECALL = 0.005;
const KEEPS_ONE_OF = [100, 1000, 10_000];
const FILTERED_QUERIES = 40;
/** In memory, by one process: a container's shared memory may be small. */
const BUILD = ["SET maintenance_work_mem = '1GB'", 'SET max_parallel_maintenance_workers = 0'];

/** Both with an index. The table store has several vectors a row behind it. */
export async function measurePassages(stores: {
  column: PipelineContext;
  table: PipelineContext;
}): Promise<PassageMeasures> {
  const queries = await queriesOf(stores.column);
  const few = queries.slice(0, EXACT);
  const cut = { ...stores.table, target: { ...stores.table.target, hasPassages: true } };
  const [rows, one] = [asked(stores.table), asked(cut)];
  await askInTurns([rows, one], queries);
  const stored = await addPassages(cut);
  const column = asked(stores.column);
  const recall = { column: await recallOf(column, few), passages: 0 };
  // Where a column has more than the gate asks for, its last thousandths are not what candidates are for.
  const wanted = Math.min(recall.column, cut.settings.verify.recall);
  let several = asked(cut);
  for (const efSearch of EF_SEARCH) {
    several = asked(cut, { 'hnsw.ef_search': String(efSearch) });
    recall.passages = await recallOf(several, few);
    if (recall.passages >= wanted - SAME_RECALL) break;
  }
  const plain = asked(stores.table, several.read);
  await askInTurns([column, several, plain], queries);
  const filters: PassageMeasures['filters'] = [];
  for (const keepsOneOf of KEEPS_ONE_OF) filters.push(await filtered(cut, keepsOneOf, queries));
  return {
    oneMs: ratioOf(one.times.p50Ms, rows.times.p50Ms),
    passagesPerRow: PASSAGES,
    ...stored,
    efSearch: Number(several.read['hnsw.ef_search']),
    recall,
    p50Ms: { column: column.times.p50Ms, passages: several.times.p50Ms },
    severalMs: ratioOf(several.times.p50Ms, column.times.p50Ms),
    distinctMs: ratioOf(several.times.p50Ms, plain.times.p50Ms),
    filters,
  };
}

const asked = (context: PipelineContext, read: ReadSettings = {}): Asked => ({
  context,
  read,
  times: { p50Ms: [], p95Ms: [] },
});

/** Each of its row's subject and of another row's. */
async function addPassages({
  pool,
  target,
  settings,
}: PipelineContext): Promise<Pick<PassageMeasures, 'rows' | 'passages'>> {
  const { table } = target.store;
  await pool.query(`DROP INDEX ${target.indexName}`);
  await pool.query(
    `INSERT INTO ${table} (id, chunk, chunk_start, chunk_end, embedding, text_hash, embedded_at)
     SELECT own.id, c, 50 * c, 50 * c + 50, own.embedding + other.embedding, own.text_hash, own.embedded_at
       FROM ${table} own CROSS JOIN generate_series(1, ${PASSAGES - 1}) c
       JOIN ${table} other ON other.id = 1 + (own.id * 31 + c * 7919) % (SELECT max(id) FROM ${table})`,
  );
  await pool.query(`VACUUM ANALYZE ${table}`);
  const client = await pool.connect();
  try {
    for (const setting of BUILD) await client.query(setting);
    await client.query(createIndexSql(target, wantedIndex(target, settings, 1)));
  } finally {
    client.release(true);
  }
  const counted = await pool.query<{ rows: number; passages: number }>(
    `SELECT count(DISTINCT id)::int AS rows, count(*)::int AS passages FROM ${table}`,
  );
  return counted.rows[0] ?? { rows: 0, passages: 0 };
}

async function filtered(
  { pool, target, settings }: PipelineContext,
  keepsOneOf: number,
  queries: readonly string[],
): Promise<PassageMeasures['filters'][number]> {
  const filter = { name: 'share', where: `${target.ref}.id % $1 = 7`, values: [keepsOneOf] };
  const matching = await pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ${target.table} WHERE id % $1 = 7`,
    [keepsOneOf],
  );
  let fewest = K;
  const times: number[] = [];
  for (const query of queries.slice(0, FILTERED_QUERIES)) {
    const found = await nearestRows(pool, target, settings.metric, query, K, { filter });
    fewest = Math.min(fewest, found.neighbours.length);
    times.push(found.milliseconds);
  }
  return { keepsOneOf, matching: matching.rows[0]?.n ?? 0, fewest, p50Ms: median(times) };
}
