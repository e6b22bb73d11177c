/** Whether stored vectors are those that the model gives for the rows' present texts: embedded again and compared. */

import { dot, norm } from '../../embedding/inference/pooling.ts';
import { firstVectors } from '../../embedding/passages/first-vectors.ts';
import type { Embedder, Precision } from '../../embedding/embedder.ts';
import { messageOf } from '../../errors.ts';
import type { Adoption } from '../../ledger/run/adoption.ts';
import { readingOfRun, withReadableRows } from '../../pipeline/unreadable-rows.ts';
import { rowStatesSql } from '../../ledger/rows/row-state.ts';
import { drawEnough, sampleSql, sampledPagesSql } from '../../table/sample-rows.ts';
import { vectorColumn, vectorJoin, vectorRows } from '../../table/stored-vectors.ts';
import { keyAliases, keyTextSql, legacyKey, sameKeySql } from '../../table/key.ts';
import { beginningSql } from '../../table/text-expressions.ts';
import type { Check } from '../check.ts';
import type { VerifyInput } from '../input.ts';

const SAMPLED_ROWS = 32;
/** Keys that are drawn for them: some of the rows may wait for their vectors. */
const DRAWN_ROWS = 8 * SAMPLED_ROWS;

/**
 * 1 − cosine of two computations of one text. In full precision, and where weights are turned into it, they differ by the order of
 * additions on another processor; in 16 bits by the last of few digits, on processors that compute in them. Of 4 bits a graph may
 * allow that a line is multiplied in 8, which not every processor does: 2.5 × 10⁻⁴. In 8 bits the scale of a whole inference call decides
 * the rounding, so a text's vector depends on the texts beside it: 0.035 at most was measured; another text is mostly ten times as far off (docs/embedding.md).
 */
const TOLERANCE: Record<Precision, number> = {
  fp32: 1e-5,
  fp16: 1e-4,
  q8: 6e-2,
  int8: 6e-2,
  uint8: 6e-2,
  q4: 1e-3,
  q4f16: 1e-3,
  bnb4: 1e-5,
  remote: 1e-3,
};
export const toleranceOf = (precision: Precision): number => TOLERANCE[precision];

/** @param adoption of the vectors that were taken over: they are held against what the sample was held against */
export async function checkFreshness(input: VerifyInput, adoption: Adoption | null): Promise<Check> {
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
    const rows = await distances(input, embedder);
    const own = rows.filter(({ adopted }) => !adopted);
    const tolerance = toleranceOf(embedder.precision);
    const adopted = adoptedRows(rows, adoption, tolerance);
    const isOwn = own.length > 0 || rows.length === 0;
    const worst = isOwn ? worstOf(own) : adopted.worst;
    const threshold = isOwn ? tolerance : adopted.tolerance;
    const passed = worstOf(own) <= tolerance && adopted.passed;
    return {
      ...check,
      passed,
      value: rows.length === 0 ? null : worst,
      threshold,
      detail: `largest 1 − cosine of ${isOwn ? own.length : rows.length} rows embedded again (${embedder.precision})${adopted.detail}`,
      remedy: passed
        ? null
        : 'Vectors are not those of the present texts: set the embedding of such rows to NULL and run `pgvector-backfill enqueue`.',
    };
  } finally {
    await embedder.close();
  }
}

interface Stored {
  text: string;
  vector: string;
  adopted: boolean;
}

interface Distance {
  /** 1 − cosine of the stored vector and that of the row's present text. */
  distance: number;
  adopted: boolean;
}

const worstOf = (rows: readonly Distance[]): number =>
  rows.reduce((most, { distance }) => Math.max(most, distance), 0);

/** Of those that were taken over: a share that the operator has permitted may be further off. */
function adoptedRows(
  all: readonly Distance[],
  adoption: Adoption | null,
  ownTolerance: number,
): { passed: boolean; worst: number; tolerance: number; detail: string } {
  const rows = all.filter(({ adopted }) => adopted);
  const tolerance = Math.max(ownTolerance, adoption === null ? 0 : 1 - adoption.minAgreement);
  const beyond = rows.filter(({ distance }) => distance > tolerance).length;
  const permitted = Math.ceil((adoption?.maxDisagreement ?? 0) * rows.length);
  const worst = worstOf(rows);
  const detail =
    rows.length === 0
      ? ''
      : `; ${rows.length} of them are adopted, ${beyond} beyond ${tolerance.toExponential(1)}${permitted === 0 ? '' : `, of which ${permitted} permitted`}, the largest ${worst.toExponential(1)}`;
  return { passed: beyond <= permitted, worst, tolerance, detail };
}

async function distances(
  { pool, target, settings, run }: VerifyInput,
  embedder: Embedder,
): Promise<Distance[]> {
  const column = vectorColumn(target);
  const rowKey = keyAliases(target, 'pgvb_rows.');
  const reading = readingOfRun(pool, target, run);
  // Other pages than those that queries are taken from.
  const from = vectorRows(target, 'first', sampledPagesSql(2));
  const drawnSql = sampleSql(target, { from, condition: `${column} IS NOT NULL` });
  const draw = async (percent: number): Promise<Stored[]> => {
    const drawn = await pool.query<{ key: string }>(drawnSql, [percent, DRAWN_ROWS]);
    const range = { lower: null, upper: null, keys: drawn.rows.map((row) => row.key) };
    return withReadableRows(reading, range, async () => {
      const values: unknown[] = [];
      // A row that was written a moment ago and waits for its vector, staged already or not, is the business of the accounting.
      const states = rowStatesSql(target, run.fingerprint, range, values);
      const text = beginningSql('pgvb_rows.text', `$${values.push(embedder.maxCharacters)}::int`);
      const found = await pool.query<Stored>(
        `SELECT ${text} AS text, ${column}::text AS vector, pgvb_rows.adopted FROM (${states}) pgvb_rows JOIN ${target.table} ON ${sameKeySql(target, legacyKey(target), rowKey)}${vectorJoin(target, 'first')}
          WHERE pgvb_rows.state = 'embedded' ORDER BY md5(${keyTextSql(target, rowKey)}) LIMIT $${values.push(SAMPLED_ROWS)}`,
        values,
      );
      return found.rows;
    });
  };
  const rows = await drawEnough(draw, { percent: 1, more: 100 }, (few) => few.length < SAMPLED_ROWS);
  const texts = rows.map((row) => row.text);
  const vectors = await firstVectors(embedder, texts, settings.model.longText);
  return rows.map((row, at) => {
    const stored = Float32Array.from(JSON.parse(row.vector) as number[]);
    const fresh = vectors.subarray(at * embedder.dimensions, (at + 1) * embedder.dimensions);
    const cosine = dot(stored, fresh) / (norm(stored) * norm(fresh));
    // NaN where the model gives nothing for the text any more.
    return { distance: Number.isFinite(cosine) ? 1 - cosine : 2, adopted: row.adopted };
  });
}
