/**
 * Splits a text into words exactly as the written tokenizer.json makes transformers.js split it at run time: clean
 * text, space around Chinese characters, lower case, accents off (BertNormalizer), then words and single punctuation
 * marks (BertPreTokenizer). A copy instead of a call, because the library walks texts character by character, which
 * took most of the training time; a property test holds the two equal.
 */

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
const CONTROL = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\uFFFD]/gu;
// Without the u flag, as in the library: ideographs beyond the basic plane are not set apart.
const IDEOGRAPH = /[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF]/g;
const ACCENT = /[\u0300-\u036F]/g;
const PUNCTUATION = '\\p{P}\\u0021-\\u002F\\u003A-\\u0040\\u005B-\\u0060\\u007B-\\u007E';
const WORD = new RegExp(`[^\\s${PUNCTUATION}]+|[${PUNCTUATION}]`, 'gu');

/** The words of a text in order, at most as many as reach the model. Special tokens in the text are left out. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const section of text.slice(0, MAX_TEXT_CHARACTERS).split(SPECIAL_TOKEN)) {
    const normal = section
      .replace(CONTROL, '')
      .replace(IDEOGRAPH, ' $& ')
      .toLowerCase()
      .normalize('NFD')
      .replace(ACCENT, '');
    for (const word of normal.match(WORD) ?? []) words.push(word);
  }
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
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
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
