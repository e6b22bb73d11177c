/** Step 4: texts → vectors, identical texts once, every vector checked. */

import { VECTOR_FAULT, type VectorFault } from '../embedding/embedder.ts';
import { ConfigError } from '../errors.ts';
import type { PipelineContext } from './context.ts';
import type { WorkRow } from './read.ts';

export interface EmbeddedRow {
  key: bigint;
  vector: Float32Array;
  textHash: Buffer;
}

export interface EmbeddedPage {
  embedded: EmbeddedRow[];
  /** Rows whose text the model cannot turn into a usable vector. */
  unusable: { row: WorkRow; reason: string }[];
  truncated: number;
  tokens: number;
}

export async function embedRows(
  context: PipelineContext,
  rows: readonly WorkRow[],
  signal?: AbortSignal,
): Promise<EmbeddedPage> {
  const { embedder } = context;
  const page: EmbeddedPage = { embedded: [], unusable: [], truncated: 0, tokens: 0 };
  const wanted = rows.filter((row) => !row.empty && !row.isStaged);
  if (wanted.length === 0) return page;
  const texts: string[] = [];
  const positions = new Map<string, number>();
  for (const row of wanted) {
    const hash = row.hash.toString('base64');
    if (!positions.has(hash)) positions.set(hash, texts.push(row.text) - 1);
  }
  const result = await embedder.embed(texts, { signal });
  const { dimensions } = embedder;
  if (result.vectors.length !== texts.length * dimensions) {
    throw new ConfigError(
      `The model gave ${result.vectors.length} numbers for ${texts.length} texts of ${dimensions} dimensions.`,
      {
        code: 'MODEL_OUTPUT_SHAPE',
        remedy: 'Check that model.name is a feature-extraction model and that its files are whole.',
      },
    );
  }
  for (const row of wanted) {
    const at = positions.get(row.hash.toString('base64')) ?? 0;
    page.tokens += result.tokens[at] ?? 0;
    if (row.cut || result.truncated[at] === 1) page.truncated++;
    const reason = VECTOR_FAULT[(result.faults[at] ?? 0) as VectorFault];
    if (reason !== null) page.unusable.push({ row, reason });
    else
      page.embedded.push({
        key: BigInt(row.key),
        vector: result.vectors.subarray(at * dimensions, (at + 1) * dimensions),
        textHash: row.hash,
      });
  }
  return page;
}
