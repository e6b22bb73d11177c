/** Step 4: texts → vectors, identical texts once, every vector checked. */

import { optionName } from '../config/option-name.ts';
import type { StagedRow } from '../db/copy-binary.ts';
import { norm } from '../embedding/inference/pooling.ts';
import { SKIPPED_AS_LONG, VECTOR_FAULT, type VectorFault } from '../embedding/embedder.ts';
import { ConfigError } from '../errors.ts';
import type { QuarantineClass } from '../ledger/rows/quarantine.ts';
import { HALFVEC_OVERFLOW, HALFVEC_UNDERFLOW } from '../table/vector-type.ts';
import type { PipelineContext } from './pipeline-context.ts';
import type { WorkRow } from './read-rows.ts';

export interface UnusableRow {
  row: WorkRow;
  class: QuarantineClass;
  reason: string;
}

export interface EmbeddedPage {
  embedded: StagedRow[];
  /** Rows whose text the model cannot turn into a usable vector, or shall not. */
  unusable: UnusableRow[];
  tokens: number;
  /** Values masked, by type. */
  masked: Record<string, number>;
}

/** Rounding of a vector that was scaled to unit length, with room to spare. */
const UNIT_TOLERANCE = 1e-3;

export async function embedRows(
  context: PipelineContext,
  rows: readonly WorkRow[],
  signal?: AbortSignal,
): Promise<EmbeddedPage> {
  const { embedder } = context;
  const page: EmbeddedPage = { embedded: [], unusable: [], tokens: 0, masked: {} };
  const wanted = rows.filter((row) => !row.empty && !row.isStaged);
  if (wanted.length === 0) return page;
  const texts: string[] = [];
  const positions = new Map<string, number>();
  for (const row of wanted) {
    const hash = row.hash.toString('base64');
    if (!positions.has(hash)) positions.set(hash, texts.push(row.text) - 1);
  }
  const result = await embedder.embed(texts, { signal });
  page.masked = result.masked;
  page.tokens = result.tokens.reduce((sum, tokens) => sum + tokens, 0);
  const { dimensions } = embedder;
  if (result.vectors.length !== texts.length * dimensions) {
    throw outputError(
      `gave ${result.vectors.length} numbers for ${texts.length} texts of ${dimensions} dimensions`,
    );
  }
  const vectorAt = (at: number): Float32Array =>
    result.vectors.subarray(at * dimensions, (at + 1) * dimensions);
  const faults = texts.map(
    (text, at) => ((result.faults[at] ?? 0) as VectorFault | 0) || checkVector(context, text, vectorAt(at)),
  );
  for (const row of wanted) {
    const at = positions.get(row.hash.toString('base64')) ?? 0;
    const fault = faults[at] ?? 0;
    const reason = VECTOR_FAULT[fault];
    if (reason !== null)
      page.unusable.push({ row, class: fault === SKIPPED_AS_LONG ? 'too-long' : 'row', reason });
    else
      page.embedded.push({
        key: row.fields,
        vector: vectorAt(at),
        textHash: row.hash,
        truncated: row.cut || result.truncated[at] === 1,
        passage: { number: 0, start: 0, end: row.length },
      });
  }
  return page;
}

/** Whatever embedder it came from. @returns its fault, 0 where there is none. */
function checkVector(
  { embedder, settings, collapse, target }: PipelineContext,
  text: string,
  vector: Float32Array,
): VectorFault {
  const length = norm(vector);
  if (!Number.isFinite(length)) return 2;
  if (length === 0) return 3;
  if (settings.model.normalize && Math.abs(length - 1) > UNIT_TOLERANCE)
    throw outputError(`gave a vector of length ${length.toFixed(4)} in place of 1`);
  if (target.columnType === 'halfvec') {
    const largest = vector.reduce((max, component) => Math.max(max, Math.abs(component)), 0);
    if (largest >= HALFVEC_OVERFLOW) return 9;
    if (largest <= HALFVEC_UNDERFLOW) return 3;
  }
  collapse.look(text, vector, embedder.model);
  return 0;
}

function outputError(what: string): ConfigError {
  return new ConfigError(`The model ${what}.`, {
    code: 'MODEL_OUTPUT_SHAPE',
    remedy: `Check that ${optionName('model.name')} is a feature-extraction model and that its files are whole.`,
  });
}
