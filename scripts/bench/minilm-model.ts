/** A model folder of all-MiniLM-L6-v2's shape with random weights, made once and kept outside of git. */

import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uniform } from '../../src/random.ts';
import { SPECIAL_TOKENS, tokenizerJson } from '../../src/training/word-tokenizer.ts';
import { SHAPE, bertGraph, type BertShape } from './minilm-graph.ts';

export const MODEL_NAME = 'minilm-shape';
/** As its authors set it: positions 257 to 512 were not trained. */
export const MAX_TOKENS = 256;
/** Vocabulary entries that continue a word, as in BERT's own. */
const PIECES = 5_800;
const SYLLABLES =
  'ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu an el in or us th st er ing ed'.split(' ');

/** @returns the folder that holds the model's folder; cached below `cache`. */
export async function makeMiniLmModel(cache: string, say: (line: string) => void): Promise<string> {
  const folder = join(cache, MODEL_NAME);
  if (existsSync(join(folder, 'config.json'))) return cache;
  say(`making a model of all-MiniLM-L6-v2's shape with random weights in ${folder}`);
  const fresh = `${folder}.${process.pid}`;
  await writeBertModel(fresh, SHAPE);
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
  return cache;
}

/** With a vocabulary of invented words; in both precisions where not in one alone. */
export async function writeBertModel(
  fresh: string,
  shape: BertShape,
  precisions: readonly ('full' | 'int8')[] = ['full', 'int8'],
): Promise<void> {
  await mkdir(join(fresh, 'onnx'), { recursive: true });
  if (precisions.includes('full'))
    await writeFile(join(fresh, 'onnx', 'model.onnx'), bertGraph(false, shape));
  if (precisions.includes('int8'))
    await writeFile(join(fresh, 'onnx', 'model_quantized.onnx'), bertGraph(true, shape));
  const json = (name: string, content: object): Promise<void> =>
    writeFile(join(fresh, name), JSON.stringify(content));
  await json('tokenizer.json', tokenizerJson([...vocabulary().words, ...vocabulary().pieces]));
  const [pad, unknown, cls, sep] = SPECIAL_TOKENS;
  const special = { pad_token: pad, unk_token: unknown, cls_token: cls, sep_token: sep };
  await json('tokenizer_config.json', {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: true,
    model_max_length: MAX_TOKENS,
    ...special,
  });
  await json('special_tokens_map.json', special);
  await json('config.json', {
    model_type: 'bert',
    architectures: ['BertModel'],
    hidden_size: shape.width,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    intermediate_size: shape.inner,
    max_position_embeddings: shape.positions,
    type_vocab_size: 2,
    vocab_size: shape.vocabulary,
    pad_token_id: 0,
  });
}

/** Invented words of two to four syllables, and pieces of one or two; as many as BERT has. */
function vocabulary(): { words: string[]; pieces: string[] } {
  const random = uniform(7);
  const distinct = (count: number, min: number, more: number, mark: string): string[] => {
    const found = new Set<string>();
    while (found.size < count) {
      const syllables = min + Math.floor(random() * more);
      let word = mark;
      for (let at = 0; at < syllables; at++) word += SYLLABLES[Math.floor(random() * SYLLABLES.length)];
      found.add(word);
    }
    return [...found];
  };
  const words = distinct(SHAPE.vocabulary - SPECIAL_TOKENS.length - PIECES, 2, 3, '');
  return { words, pieces: distinct(PIECES, 2, 2, '##') };
}

/** Lengths of real texts, in tokens: log-normal, median 77, 90 % below 170; cut at 256 by the model. */
const MEDIAN_TOKENS = 77;
const SPREAD = Math.log(170 / MEDIAN_TOKENS) / 1.2816;
/** Share of words of two pieces. */
const COMPOSITE = 0.15;

/** Texts in random order of length, of words as frequent as in a language (Zipf). */
export function makeTexts(count: number, seed = 11): string[] {
  const random = uniform(seed);
  const { words, pieces } = vocabulary();
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const zipf = <T>(list: readonly T[]): T => list[Math.floor(list.length ** random()) - 1] as T;
  return Array.from({ length: count }, () => {
    const tokens = Math.min(Math.max(Math.round(MEDIAN_TOKENS * Math.exp(SPREAD * normal())), 4), 600);
    let text = '';
    for (let used = 2; used < tokens; used++) {
      text += `${text === '' ? '' : ' '}${zipf(words)}`;
      if (random() >= COMPOSITE) continue;
      text += zipf(pieces).slice(2);
      used++;
    }
    return text;
  });
}
