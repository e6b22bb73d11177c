/** A small BERT with random weights: attention, so that padding and masks matter, and inferences that take time. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SHAPE, type BertShape } from '../../scripts/bench/minilm-graph.ts';
import { writeBertModel } from '../../scripts/bench/minilm-model.ts';
import type { OwnModel } from './model.ts';

export async function makeBert(
  shape: Partial<BertShape> = {},
  precisions?: Parameters<typeof writeBertModel>[2],
): Promise<OwnModel> {
  const localPath = await mkdtemp(join(tmpdir(), 'pgvector-backfill-bert-'));
  const small = { ...SHAPE, layers: 2, width: 64, heads: 4, inner: 128, ...shape };
  await writeBertModel(join(localPath, 'bert'), small, precisions);
  return {
    localPath,
    name: 'bert',
    dimensions: small.width,
    remove: () => rm(localPath, { recursive: true, force: true }),
  };
}
