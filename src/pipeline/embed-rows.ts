/** Step 4: texts → vectors, identical texts once, every vector checked. */

import { SKIPPED_AS_LONG, VECTOR_FAULT } from '../embedding/embedder.ts';
import { checkedVectors, type EmbeddedPage } from './checked-vectors.ts';
import { embedPassages } from './embed-passages.ts';
import type { PipelineContext } from './pipeline-context.ts';
import type { WorkRow } from './read-rows.ts';

export async function embedRows(
  context: PipelineContext,
  rows: readonly WorkRow[],
  signal?: AbortSignal,
): Promise<EmbeddedPage> {
  const wanted = rows.filter((row) => !row.empty && !row.isStaged);
  if (wanted.length === 0) return { embedded: [], unusable: [], tokens: 0, masked: {} };
  return context.settings.model.longText === 'chunks'
    ? embedPassages(context, wanted, signal)
    : embedTexts(context, wanted, signal);
}

async function embedTexts(
  context: PipelineContext,
  rows: readonly WorkRow[],
  signal: AbortSignal | undefined,
): Promise<EmbeddedPage> {
  const texts: string[] = [];
  const positions = new Map<string, number>();
  const textOf = rows.map((row) => {
    const hash = row.hash.toString('latin1');
    const known = positions.get(hash);
    if (known !== undefined) return known;
    positions.set(hash, texts.push(row.text) - 1);
    return texts.length - 1;
  });
  const { vectors, faults, truncated, tokens, masked } = await checkedVectors(context, texts, { signal });
  const page: EmbeddedPage = { embedded: [], unusable: [], tokens, masked };
  for (const [index, row] of rows.entries()) {
    const at = textOf[index] ?? 0;
    const fault = faults[at] ?? 0;
    const reason = VECTOR_FAULT[fault];
    if (reason !== null)
      page.unusable.push({ row, class: fault === SKIPPED_AS_LONG ? 'too-long' : 'row', reason });
    else
      page.embedded.push({
        key: row.fields,
        vector: vectors[at] as Float32Array,
        textHash: row.hash,
        truncated: row.cut || truncated[at] === 1,
        passage: { number: 0, start: 0, end: row.length },
      });
  }
  return page;
}
