/** Models that are none for embeddings, by what config.json and the names of their graphs say. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './maker-json.ts';

/** By the name of the class (`architectures`). */
const CLASSES: readonly (readonly [RegExp, string])[] = [
  [/colbert/i, 'a model with a vector for each token (ColBERT)'],
  [/splade|sparse/i, 'a sparse model, with a weight for each word (SPLADE)'],
  [/ForSequenceClassification$/, 'a reranker or another classifier'],
  [
    /For(TokenClassification|QuestionAnswering|MultipleChoice)$/,
    'a model that marks or chooses words of a text',
  ],
  [/ForConditionalGeneration$|MTModel$/, 'an encoder and decoder, such as T5'],
  [
    /^(Chinese)?CLIP|^(Alt|X)CLIP|^Siglip|^Clap/i,
    'a model of pictures or sounds and their captions, such as CLIP',
  ],
  [/^(Whisper|Wav2Vec2|Hubert|ViT|DeiT|Swin|Detr|Beit|Dino|Sam)/i, 'a model of pictures or sounds'],
];
/** Also of models that embed: what the graph gives decides. */
const HEADS: readonly (readonly [RegExp, string])[] = [
  [/ForCausalLM$/, 'a language model with its head'],
  [/ForMaskedLM$/, 'a model that fills in words, or a sparse one of that kind (SPLADE)'],
];
/** Of conversions for transformers.js that have no graph of the whole: `onnx/encoder_model_quantized.onnx`. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/^(text|vision|audio)_model/, 'a model of pictures or sounds and their captions, such as CLIP'],
  [/^encoder_model/, 'an encoder and decoder, such as T5'],
  [/^decoder_(with_past_)?(model|merged)/, 'a language model with its head'],
];

export interface ArchitecturesFile {
  architectures?: unknown;
}

/** In words, with the class; null where nothing says so. @param heads classes of heads too */
export function otherKind({ architectures }: ArchitecturesFile, heads: boolean): string | null {
  const classes = Array.isArray(architectures)
    ? architectures.filter((each) => typeof each === 'string')
    : [];
  for (const [pattern, words] of heads ? [...CLASSES, ...HEADS] : CLASSES) {
    const found = classes.find((each) => pattern.test(each));
    if (found !== undefined) return `${words}: ${found} in config.json`;
  }
  return null;
}

/** Of a folder without the graph that is looked for: what its files are instead, in words; null where that is not known. */
export function kindOfFolder(folder: string): string | null {
  const graphs = namesIn(join(folder, 'onnx'));
  for (const [pattern, words] of PARTS) {
    const found = graphs.find((name) => pattern.test(name));
    if (found !== undefined) return `${words}: it has onnx/${found}`;
  }
  const config = readJson(folder, 'config.json');
  return config === null ? null : otherKind(config, false);
}

export const TAKE_AN_EMBEDDING_MODEL =
  'Take an embedding model (feature extraction, sentence similarity), such as those of the table in docs/models.md.';

/** None where it is no folder, or cannot be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
