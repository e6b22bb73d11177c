/** Which inputs of a graph can be fed from a text, and which output its vectors are. */

import type { InferenceSession } from 'onnxruntime-node';
import { optionName } from '../../config/option-name.ts';
import { TAKE_AN_EMBEDDING_MODEL, otherKind, type ArchitecturesFile } from '../model-files/other-kinds.ts';
import { UnusableModel } from './unusable.ts';

const OF_TEXT = new Set(['input_ids', 'attention_mask', 'token_type_ids', 'position_ids']);
export const isOfPast = (input: string): boolean => /^past_key_values\.\d+\.(key|value)$/.test(input);

/** Vectors of tokens, the likeliest first. */
const OF_TOKENS = ['last_hidden_state', 'token_embeddings'];
/** Of the whole text; the last one is what BERT has for telling whether two sentences follow each other. */
const POOLED = ['sentence_embedding', 'pooler_output'];

export interface GraphOutput {
  name: string;
  isPooled: boolean;
}

type Ports = Pick<InferenceSession, 'inputMetadata' | 'outputMetadata'>;

/** @throws UnusableModel naming what the graph wants besides a text */
export function refuseInputs({ inputMetadata }: Ports): void {
  const names = inputMetadata.map(({ name }) => name);
  const foreign = names.find((name) => !OF_TEXT.has(name) && !isOfPast(name));
  if (foreign === undefined && names.includes('input_ids')) return;
  if (names.includes('pixel_values'))
    throw new UnusableModel(
      'it is a model of pictures (its graph asks for pixel_values), such as CLIP or SigLIP',
      TAKE_AN_EMBEDDING_MODEL,
    );
  if (names.some((name) => name.startsWith('decoder_') || name.startsWith('encoder_')))
    throw new UnusableModel(
      `it is one half of an encoder and decoder (its graph asks for ${foreign})`,
      'Take the export of its encoder alone, or serve the model by model.endpoint.',
    );
  if (names.includes('task_id'))
    throw new UnusableModel(
      'it computes each text for a task that has a number (its graph asks for task_id), such as jina-embeddings-v3',
      'Take a model without tasks, such as those of the table in docs/models.md, or serve this one by model.endpoint.',
    );
  throw new UnusableModel(
    foreign === undefined
      ? `its graph reads no token ids (input_ids), but ${names.join(', ')}`
      : `its graph asks for ${foreign}, which no text has`,
    TAKE_AN_EMBEDDING_MODEL,
  );
}

/** @throws UnusableModel saying what the graph's outputs are instead of vectors */
export function graphOutput(
  { outputMetadata }: Ports,
  wantsPooled: boolean,
  config: ArchitecturesFile = {},
): GraphOutput {
  const names = outputMetadata.map(({ name }) => name);
  const named = (wanted: readonly string[], isPooled: boolean): GraphOutput | undefined => {
    const name = wanted.find((each) => names.includes(each));
    return name === undefined ? undefined : { name, isPooled };
  };
  const pooled = named(POOLED, true);
  const found = wantsPooled ? pooled : (named(OF_TOKENS, false) ?? pooled);
  const kind = otherKind(config, false);
  if (found !== undefined && kind?.includes('ColBERT') === true)
    throw new UnusableModel(`it is ${kind}`, TAKE_AN_EMBEDDING_MODEL);
  if (found !== undefined) return found;
  refuseHeads(outputMetadata, config);
  if (wantsPooled)
    throw new UnusableModel(
      `model.pooling is graph, and its graph pools nothing by itself: it gives ${names.join(', ')}`,
      `Set ${optionName('model.pooling')} to what the model's page says: mean, cls, max, last or weighted-mean.`,
    );
  // Under a name of its exporter's own.
  const [first] = outputMetadata;
  if (first?.isTensor === true && first.shape.length === 3) return { name: first.name, isPooled: false };
  throw new UnusableModel(
    `its graph gives no vectors of tokens (last_hidden_state) or of a text (sentence_embedding), but ${names.join(', ')}`,
    TAKE_AN_EMBEDDING_MODEL,
  );
}

function refuseHeads(outputs: Ports['outputMetadata'], config: ArchitecturesFile): void {
  const names = outputs.map(({ name }) => name);
  if (names.some((name) => ['text_embeds', 'image_embeds', 'logits_per_text'].includes(name)))
    throw new UnusableModel(
      `it is one tower of a model of pictures and captions (its graph gives ${names.join(', ')}), such as CLIP or SigLIP`,
      TAKE_AN_EMBEDDING_MODEL,
    );
  const logits = outputs.find(({ name }) => name === 'logits');
  if (logits === undefined) return;
  if (logits.isTensor && logits.shape.length === 2)
    throw new UnusableModel(
      'it is a reranker or another classifier: its graph gives a verdict on a pair of texts (logits), and no vector of one',
      TAKE_AN_EMBEDDING_MODEL,
    );
  const kind = otherKind(config, true) ?? 'a language model with its head';
  throw new UnusableModel(
    `it is ${kind}; its graph gives words (logits), and not its hidden states`,
    'Take an export of the model for feature extraction, whose output is last_hidden_state, or serve it by model.endpoint.',
  );
}
