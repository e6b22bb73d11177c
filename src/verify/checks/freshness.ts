/** Whether stored vectors are those that the model gives for the rows' present texts: embedded again and compared. */

import { quoteName } from '../../db/identifiers.ts';
import { norm } from '../../embedding/inference/pooling.ts';
import type { Embedder, Precision } from '../../embedding/embedder.ts';
import { messageOf } from '../../errors.ts';
import { readingOfRun, withReadableRows } from '../../pipeline/unreadable-rows.ts';
import { rowStatesSql } from '../../ledger/rows/row-state.ts';
import { drawEnough, sampleSql, sampledPagesSql } from '../../table/sample-rows.ts';
import { keyAliases, keyTextSql, legacyKey, sameKeySql } from '../../table/key.ts';
import { beginningSql } from '../../table/text-expressions.ts';
import type { Check } from '../check.ts';
import type { VerifyInput } from '../input.ts';

const SAMPLED_ROWS = 32;
/** Keys that are drawn for them: some of the rows may wait for their vectors. */
const DRAWN_ROWS = 8 * SAMPLED_ROWS;

/**
 * 1 − cosine of two computations of one text. In full precision they differ by the order of additions on another
 * processor. In int8 the scale of a whole inference call decides the rounding, so a text's vector depends on the texts
 * beside it: 4 × 10⁻⁴ at most was measured on random weights; another text is further off by orders of magnitude.
 */
const TOLERANCE: Record<Precision, number> = { full: 1e-5, int8: 2e-2, remote: 1e-3 };

export async function checkFreshness(input: VerifyInput): Promise<Check> {
  const check = { name: 'freshness', value: null, threshold: null, remedy: null };
  let embedder: Embedder;
  try {
    embedder = await input.openEmbedder();
  } catch (error) {
    return { ...check, passed: true, detail: `not measured, the model is not here: ${messageOf(error)}` };
  }
  try {
    if (embedder.fingerprint !== input.run.fingerprint)
      return {
        ...check,
        passed: false,
        detail: `the configured model is not the one that run ${input.run.id} was made with`,
        remedy:
          'Run `pgvector-backfill status`, which says what differs, and `pgvector-backfill enqueue` to embed with the new one.',
      };
    const { worst, rows } = await worstDistance(input, embedder);
    const threshold = TOLERANCE[embedder.precision];
    const passed = worst <= threshold;
    return {
      ...check,
      passed,
      value: rows === 0 ? null : worst,
      threshold,
      detail: `largest 1 − cosine of ${rows} rows embedded again (${embedder.precision === 'full' ? 'full precision' : embedder.precision})`,
      remedy: passed
        ? null
        : 'Vectors are not those of the present texts: set the embedding of such rows to NULL and run `pgvector-backfill enqueue`.',
    };
  } finally {
    await embedder.close();
  }
}

async function worstDistance(
  { pool, target, run }: VerifyInput,
  embedder: Embedder,
): Promise<{ worst: number; rows: number }> {
  const column = `${target.ref}.${quoteName(target.column)}`;
  const rowKey = keyAliases(target, 'pgvb_rows.');
  const reading = readingOfRun(pool, target, run);
  // Other pages than those that queries are taken from.
  const from = `${target.table} ${sampledPagesSql(2)}`;
  const drawnSql = sampleSql(target, { from, condition: `${column} IS NOT NULL` });
  const draw = async (percent: number): Promise<{ text: string; vector: string }[]> => {
    const drawn = await pool.query<{ key: string }>(drawnSql, [percent, DRAWN_ROWS]);
    const range = { lower: null, upper: null, keys: drawn.rows.map((row) => row.key) };
    return withReadableRows(reading, range, async () => {
      const values: unknown[] = [];
      // A row that was written a moment ago and waits for its vector, staged already or not, is the business of the accounting.
      const states = rowStatesSql(target, run.fingerprint, range, values);
      const text = beginningSql('pgvb_rows.text', `$${values.push(embedder.maxCharacters)}::int`);
      const found = await pool.query<{ text: string; vector: string }>(
        `SELECT ${text} AS text, ${column}::text AS vector FROM (${states}) pgvb_rows JOIN ${target.table} ON ${sameKeySql(target, legacyKey(target), rowKey)}
          WHERE pgvb_rows.state = 'embedded' ORDER BY md5(${keyTextSql(target, rowKey)}) LIMIT $${values.push(SAMPLED_ROWS)}`,
        values,
      );
      return found.rows;
    });
  };
  const rows = await drawEnough(draw, { percent: 1, more: 100 }, (few) => few.length < SAMPLED_ROWS);
  const { vectors } = await embedder.embed(rows.map((row) => row.text));
  let worst = 0;
  for (const [at, row] of rows.entries()) {
    const stored = Float32Array.from(JSON.parse(row.vector) as number[]);
    const fresh = vectors.subarray(at * embedder.dimensions, (at + 1) * embedder.dimensions);
    const product = stored.reduce((sum, component, index) => sum + component * (fresh[index] ?? 0), 0);
    const cosine = product / (norm(stored) * norm(fresh));
    // NaN where the model gives nothing for the text any more.
    worst = Math.max(worst, Number.isFinite(cosine) ? 1 - cosine : 2);
  }
  return { worst, rows: rows.length };
}
