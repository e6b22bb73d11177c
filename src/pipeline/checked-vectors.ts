/** Texts → vectors, every one of them checked. */

import { optionName } from '../config/option-name.ts';
import type { StagedRow } from '../db/copy-binary.ts';
import type { EmbedOptions, VectorFault } from '../embedding/embedder.ts';
import { norm } from '../embedding/inference/pooling.ts';
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
  /** Of a row one, or one for each of its passages, the first of them first. */
  embedded: StagedRow[];
  /** Rows whose text the model cannot turn into a usable vector, or shall not. */
  unusable: UnusableRow[];
  tokens: number;
  /** Values masked, by type. */
  masked: Record<string, number>;
}

export interface CheckedVectors {
  /** Of each text; one with a fault is of no use. */
  vectors: Float32Array[];
  /** 0 where there is none. */
  faults: (VectorFault | 0)[];
  truncated: Uint8Array;
  /** Of all texts together. */
  tokens: number;
  masked: Record<string, number>;
}

/** Rounding of a vector that was scaled to unit length, with room to spare. */
const UNIT_TOLERANCE = 1e-3;

/** @throws ConfigError where the model gives something else than vectors */
export async function checkedVectors(
  context: PipelineContext,
  texts: readonly string[],
  options: EmbedOptions,
): Promise<CheckedVectors> {
  const { embedder } = context;
  const { dimensions } = embedder;
  const result = await embedder.embed(texts, options);
  if (result.vectors.length !== texts.length * dimensions) {
    throw outputError(
      `gave ${result.vectors.length} numbers for ${texts.length} texts of ${dimensions} dimensions`,
    );
  }
  const vectors = texts.map((_, at) => result.vectors.subarray(at * dimensions, (at + 1) * dimensions));
  const faults = texts.map(
    (text, at) =>
      ((result.faults[at] ?? 0) as VectorFault | 0) ||
      checkVector(context, text, vectors[at] as Float32Array),
  );
  const { truncated, masked } = result;
  return { vectors, faults, truncated, tokens: result.tokens.reduce((sum, each) => sum + each, 0), masked };
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
