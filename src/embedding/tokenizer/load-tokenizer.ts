/** A model's tokenizer from its files. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../errors.ts';
import type { StaticFiles } from '../model-files/static-files.ts';
import type { TokenSettings } from './text-tokens.ts';
import { parseTokenizerFile, type TokenizerFile } from './file.ts';
import { Tokenizer } from './tokenizer.ts';

const namedToken = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
/** Most members are of no concern to the tokens of one text. */
const configFile = z.looseObject({
  pad_token: namedToken,
  eos_token: namedToken,
  /** 10³⁰ where the makers did not say. */
  model_max_length: z.number().nullish(),
  truncation_side: z.enum(['left', 'right']).nullish(),
  padding_side: z.enum(['left', 'right']).nullish(),
  add_eos_token: z.boolean().nullish(),
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
});
type TokenizerConfig = z.infer<typeof configFile>;

/** @throws Error that says what of which file cannot be used */
export async function loadTokenizer(
  folder: string,
): Promise<{ tokenizer: Tokenizer; settings: TokenSettings }> {
  const file = parseTokenizerFile(await readJson(folder, 'tokenizer.json'));
  const parsed = configFile.safeParse(await readJson(folder, 'tokenizer_config.json'));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`tokenizer_config.json has ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const config = parsed.data;
  assertAgreement(file, config);
  const tokenizer = new Tokenizer(file);
  const idOf = (token: TokenizerConfig['eos_token']): number | undefined => {
    const name = nameOf(token);
    return name === undefined ? undefined : tokenizer.idOf(name);
  };
  return {
    tokenizer,
    settings: {
      maxTokens: config.model_max_length ?? undefined,
      end: config.add_eos_token === true ? idOf(config.eos_token) : undefined,
      paddingSide: config.padding_side ?? 'right',
      padding:
        (nameOf(config.pad_token) === undefined ? idOf(config.eos_token) : idOf(config.pad_token)) ?? 0,
      truncation: config.truncation_side ?? (file.truncation?.direction === 'Left' ? 'left' : 'right'),
    },
  };
}

/**
 * Of a static model (docs/models.md): nothing is put around a text, and nothing but the one file counts. As Model2Vec reads a text,
 * its characters are cut before it has tokens, and what is unknown is left out, where the kind of vocabulary names it.
 * @throws Error that says what of the file cannot be used
 */
export async function loadStaticTokenizer(
  folder: string,
  { kind, tokenizer: path }: StaticFiles,
): Promise<{ tokenizer: Tokenizer; settings: TokenSettings }> {
  const file = parseTokenizerFile(await readJson(folder, path));
  const tokenizer = new Tokenizer(file);
  const isModel2Vec = kind === 'model2vec';
  return {
    tokenizer,
    settings: {
      maxTokens: file.truncation?.max_length,
      end: undefined,
      isBare: true,
      leftOut: isModel2Vec && file.model.type !== 'Unigram' ? tokenizer.unknownId : undefined,
      charactersPerToken: isModel2Vec ? medianLength(tokenizer) : undefined,
      paddingSide: 'right',
      padding: 0,
      truncation: file.truncation?.direction === 'Left' ? 'left' : 'right',
    },
  };
}

/** In characters, rounded down. */
function medianLength(tokenizer: Tokenizer): number {
  const lengths = Int32Array.from(tokenizer.tokens(), ([token]) => Array.from(token).length).sort();
  const middle = lengths.length >> 1;
  const [low = 0, high = 0] = [lengths[lengths.length % 2 === 0 ? middle - 1 : middle], lengths[middle]];
  return Math.floor((low + high) / 2);
}

async function readJson(folder: string, name: string): Promise<unknown> {
  const text = await readFile(join(folder, name), 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

const nameOf = (token: TokenizerConfig['pad_token']): string | undefined =>
  typeof token === 'string' ? token : token?.content;

/**
 * Libraries do not agree which of two files counts where they contradict each other, so neither of two vectors would be
 * the model's.
 */
function assertAgreement(
  { normalizer, pre_tokenizer: cutter }: TokenizerFile,
  config: TokenizerConfig,
): void {
  const pairs: [
    member: keyof TokenizerConfig,
    inFile: string,
    effective: boolean,
    stated: boolean | undefined,
  ][] = [];
  if (normalizer?.type === 'BertNormalizer') {
    const { do_lower_case: lower, strip_accents: accents, tokenize_chinese_chars: chinese } = config;
    pairs.push(
      ['do_lower_case', 'normalizer.lowercase', normalizer.lowercase, lower ?? undefined],
      [
        'strip_accents',
        'normalizer.strip_accents',
        normalizer.strip_accents ?? normalizer.lowercase,
        accents ?? undefined,
      ],
      [
        'tokenize_chinese_chars',
        'normalizer.handle_chinese_chars',
        normalizer.handle_chinese_chars,
        chinese ?? undefined,
      ],
    );
  }
  if (cutter?.type === 'ByteLevel')
    pairs.push([
      'add_prefix_space',
      'pre_tokenizer.add_prefix_space',
      cutter.add_prefix_space,
      config.add_prefix_space ?? undefined,
    ]);
  for (const [member, inFile, effective, stated] of pairs)
    if (stated !== undefined && stated !== effective)
      throw new Error(
        `tokenizer_config.json has ${member} ${stated}, and tokenizer.json has ${inFile} ${effective}: correct the one that is wrong`,
      );
}
