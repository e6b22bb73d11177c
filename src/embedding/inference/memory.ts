/**
 * What an inference process takes at most, forecast from a model's config.json before a text is embedded. Of a long text the scores of
 * attention are nearly all of it: heads × tokens × tokens floats, several times, of one layer at a time.
 */

import { readFileSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { positionsOf } from '../model-files/positions.ts';
import { locateModel, modelFiles, type ModelOptions } from '../model-files/files.ts';
import { TOKEN_BUDGET } from './token-batches.ts';

/** Program, runtime, tokenizer and short texts: 195 to 205 MiB with the smallest models. */
export const BASE_BYTES = 205 * 1024 ** 2;
/** Of the files: weights are laid out anew for the processor; 1.4 of all-MiniLM-L6-v2. */
const WEIGHT_COPIES = 1.5;
/** Scores that the runtime holds at a time: 2.6 of BERT, 3.1 of Qwen3, 4.2 of ModernBERT, whose masks are of that size too. */
const SCORE_COPIES = 4.2;
const FLOAT = 4;

export interface ModelSize {
  heads: number;
  width: number;
  /** Of the layers between the attention. */
  inner: number;
  /** Bytes of its files. */
  files: number;
  /** Tokens that it reads at most, where it says so. */
  positions?: number | undefined;
}

/** Bytes of one process whose longest text has so many tokens. A text of more than the budget is alone in its inference. */
export function processMemory({ heads, width, inner, files }: ModelSize, tokens: number): number {
  const atOnce = Math.max(tokens, TOKEN_BUDGET);
  const scores = heads * atOnce * tokens * FLOAT;
  const activations = atOnce * (6 * width + 2 * inner) * FLOAT;
  return BASE_BYTES + WEIGHT_COPIES * files + SCORE_COPIES * scores + activations;
}

/** The most tokens with which a process keeps to those bytes; 0 where none does. */
export function tokensWithin(size: ModelSize, bytes: number, most: number): number {
  let [fits, tooMany] = [0, most + 1];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (processMemory(size, middle) <= bytes) fits = middle;
    else tooMany = middle;
  }
  return fits;
}

/** Null where its configuration does not say, or it has no attention. */
export function modelSize(options: ModelOptions): ModelSize | null {
  const { folder } = locateModel(options);
  try {
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
    // As BERT and most others call it; as DistilBERT, GPT-2 (and nomic-embed) and T5 do.
    const first = (...names: string[]): number =>
      names.map((name) => config[name]).find((value) => typeof value === 'number') ?? 0;
    const heads = first('num_attention_heads', 'n_heads', 'n_head', 'num_heads');
    const width = first('hidden_size', 'dim', 'n_embd', 'd_model');
    const inner = first('intermediate_size', 'hidden_dim', 'n_inner', 'd_ff') || 4 * width;
    if (heads === 0 || width === 0 || config['num_hidden_layers'] === 0) return null;
    const files = modelFiles(options).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    return { heads, width, inner, files, positions: positionsOf(config) };
  } catch {
    return null;
  }
}

/** Of the machine, or of the control group (a container's limit) that the process is in. */
export const usableMemory = (): number => Math.min(totalmem(), process.constrainedMemory() || Infinity);
