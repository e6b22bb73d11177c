/** Words of a text and a tokenizer.json of words: at run time a text is split by the very same functions. */

import { bertNormalize, bertWords } from '../embedding/tokenizer/bert.ts';
import { wellFormed } from '../embedding/tokenizer/text/unicode.ts';

/** Rows 0..3 of every token table, in this order. */
export const SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'] as const;

/**
 * Tokens of one text that reach the model, [CLS] and [SEP] included. The table has no positions, so this bounds
 * memory only: 2,048 × 128 dimensions are 1 MB, and a text of three pages still counts as a whole.
 */
export const MAX_TOKENS = 2048;

/** Longer words become [UNK] at run time, so they are no use in the vocabulary. Code points. */
export const MAX_WORD_CHARACTERS = 100;

/** Enough for MAX_TOKENS words of any ordinary length; keeps one absurd text from filling the memory. */
const MAX_TEXT_CHARACTERS = 200_000;

const SPECIAL_TOKEN = /\[(?:PAD|UNK|CLS|SEP)\]/;
/** Of the written tokenizer.json, and of the words that it is made of. */
const NORMALIZER = {
  type: 'BertNormalizer',
  clean_text: true,
  handle_chinese_chars: true,
  strip_accents: null,
  lowercase: true,
};

/** The words of a text in order, at most as many as reach the model. Special tokens in the text are left out. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const section of wellFormed(text.slice(0, MAX_TEXT_CHARACTERS)).split(SPECIAL_TOKEN))
    for (const word of bertWords(bertNormalize(section, NORMALIZER))) words.push(word);
  return words.slice(0, MAX_TOKENS - 2);
}

/** `tokenizer.json`: whole words only. No word piece starts with `##`, so a word is in the vocabulary or is [UNK]. */
export function tokenizerJson(words: readonly string[]): object {
  const vocabulary = new Map<string, number>();
  for (const token of [...SPECIAL_TOKENS, ...words]) vocabulary.set(token, vocabulary.size);
  const special = (content: string, id: number) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const cls = { SpecialToken: { id: '[CLS]', type_id: 0 } };
  const sep = (type: number) => ({ SpecialToken: { id: '[SEP]', type_id: type } });
  const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map(special),
    normalizer: NORMALIZER,
    pre_tokenizer: { type: 'BertPreTokenizer' },
    // Without the two marks an empty text would have no token, and its mean would be 0/0.
    post_processor: {
      type: 'TemplateProcessing',
      single: [cls, sequence('A', 0), sep(0)],
      pair: [cls, sequence('A', 0), sep(0), sequence('B', 1), sep(1)],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: MAX_WORD_CHARACTERS,
      vocab: Object.fromEntries(vocabulary),
    },
  };
}
