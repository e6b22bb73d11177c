/** A model's configuration, as the library reads it. */

import type { ModelLocation } from './files.ts';
import type { ArchitecturesFile } from './other-kinds.ts';
import type { Positions } from './positions.ts';

/** What config.json says of the model, as far as it says it. */
export interface ModelConfig extends Positions, ArchitecturesFile {
  vocab_size?: number;
  hidden_size?: number;
  num_hidden_layers?: number;
  num_attention_heads?: number;
  num_key_value_heads?: number;
  head_dim?: number;
}

/** @throws Error where it cannot be read */
export async function readModelConfig({ root, id }: ModelLocation): Promise<ModelConfig> {
  // Of the library what reads it, and no more: all of it takes sharp and its own models along, in every process.
  const { AutoConfig } = await import('@xenova/transformers/src/configs.js');
  const { env } = await import('@xenova/transformers/src/env.js');
  env.localModelPath = root;
  env.allowLocalModels = true;
  // Files are fetched before any process starts, under one lock, and checked.
  env.allowRemoteModels = false;
  return AutoConfig.from_pretrained(id);
}
