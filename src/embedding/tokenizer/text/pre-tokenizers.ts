/** `pre_tokenizer` of a tokenizer.json → what cuts a piece of text into the pieces that the model sees. */

import { bertWords } from '../bert.ts';
import { byteCharacters } from '../byte-level.ts';
import type { Pattern, PreTokenizerPart } from '../file-schema.ts';
import { escaped, javascriptRegex } from './oniguruma.ts';
import { segmentsOf, split, type Behavior, type PreTokenize } from '../pieces.ts';
import { PUNCTUATION, WORD_CHARACTER, asRegexKnows } from './unicode.ts';

const GPT2 = new RegExp(
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+`,
  'gv',
);
const SPACE = /\p{White_Space}/gu;
const NUMERIC = /\p{N}/gu;
const PUNCTUATION_MARK = new RegExp(PUNCTUATION, 'gv');
const WORD_OR_MARKS = new RegExp(`${WORD_CHARACTER}+|[^${WORD_CHARACTER}\\p{White_Space}]+`, 'gv');

/** @throws Error where a pattern cannot be used */
export function preTokenizer(part: PreTokenizerPart | null | undefined): PreTokenize {
  if (part === null || part === undefined) return (piece) => [piece];
  switch (part.type) {
    case 'BertPreTokenizer':
      return (piece) => bertWords(piece.text).map((text) => ({ text, first: false }));
    case 'WhitespaceSplit':
      return splitter(SPACE, 'Removed');
    case 'Whitespace':
      return regexSplitter(WORD_OR_MARKS, 'Removed', true);
    case 'Punctuation':
      return splitter(PUNCTUATION_MARK, part.behavior ?? 'Isolated');
    case 'Digits':
      return splitter(NUMERIC, part.individual_digits ? 'Isolated' : 'Contiguous');
    case 'CharDelimiterSplit':
      return splitter(patternOf({ String: part.delimiter }), 'Removed');
    case 'Split':
      return regexSplitter(patternOf(part.pattern), part.behavior, part.invert);
    case 'ByteLevel':
      return byteLevel(part.add_prefix_space, part.use_regex ?? true);
    case 'Metaspace':
      return metaspace(part);
    default: {
      const steps = part.pretokenizers.map(preTokenizer);
      return (piece) => steps.reduce((pieces, step) => pieces.flatMap(step), [piece]);
    }
  }
}

const splitter =
  (pattern: RegExp, behavior: Behavior): PreTokenize =>
  (piece) =>
    split(piece, segmentsOf(piece.text, pattern), behavior);

function regexSplitter(pattern: RegExp, behavior: Behavior, invert: boolean): PreTokenize {
  return (piece) => {
    const segments = segmentsOf(asRegexKnows(piece.text), pattern);
    if (invert) for (const segment of segments) segment.match = !segment.match;
    return split(piece, segments, behavior);
  };
}

function patternOf(pattern: Pattern): RegExp {
  if ('Regex' in pattern) return javascriptRegex(pattern.Regex);
  // Nothing is found of an empty string.
  return pattern.String === '' ? /(?!)/g : new RegExp(Array.from(pattern.String, escaped).join(''), 'gv');
}

function byteLevel(addPrefixSpace: boolean, useRegex: boolean): PreTokenize {
  return ({ text, first }) => {
    const piece = { text: addPrefixSpace && !text.startsWith(' ') ? ` ${text}` : text, first };
    const pieces = useRegex ? split(piece, segmentsOf(asRegexKnows(piece.text), GPT2), 'Isolated') : [piece];
    return pieces.map((each) => ({ ...each, text: byteCharacters(each.text) }));
  };
}

function metaspace(part: Extract<PreTokenizerPart, { type: 'Metaspace' }>): PreTokenize {
  const { replacement } = part;
  const scheme = part.add_prefix_space === false ? 'never' : (part.prepend_scheme ?? 'always');
  const delimiter = patternOf({ String: replacement });
  return (piece) => {
    let text = piece.text.replaceAll(' ', () => replacement);
    const prepends = scheme === 'always' || (scheme === 'first' && piece.first);
    if (prepends && !text.startsWith(replacement)) text = replacement + text;
    const whole = { text, first: piece.first };
    return part.split === false ? [whole] : split(whole, segmentsOf(text, delimiter), 'MergedWithNext');
  };
}
