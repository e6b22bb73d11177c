/** What loads a model: @xenova/transformers, or in which part something else, and why. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../../config/settings.ts';
import { isStatic, locateModel } from '../../embedding/model-files/files.ts';

/** Architectures of texts that release 2.17 of the library has a class for, by `model_type` in config.json. */
const OF_THE_LIBRARY = new Set(
  'albert bert bloom camembert codegen convbert deberta deberta-v2 distilbert electra esm falcon gpt2 gpt_bigcode gpt_neo gpt_neox gptj llama longt5 mistral mobilebert mpnet mpt mt5 nomic_bert opt phi qwen2 roberta roformer squeezebert stablelm starcoder2 t5 xlm xlm-roberta'.split(
    ' ',
  ),
);

/** Empty of a model on a server. */
export function loadedBy({ model }: Settings): string {
  if (model.endpoint !== undefined) return '';
  if (isStatic(model)) return '; static: tokenised and looked up by our own code';
  const type = typeOf(locateModel(model).folder);
  const isKnown = type === null || OF_THE_LIBRARY.has(type);
  return isKnown
    ? '; loaded by @xenova/transformers (configuration), tokenised and run by our own code on onnxruntime-node'
    : `; its architecture (${type}) is none of @xenova/transformers, which reads its configuration alone: tokenised and run by our own code on onnxruntime-node`;
}

function typeOf(folder: string): string | null {
  try {
    const { model_type: type } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as { model_type?: unknown }; // prettier-ignore
    return typeof type === 'string' ? type : null;
  } catch {
    return null;
  }
}
