/** `normalizer` of a tokenizer.json → a function of the text. */

import { bertNormalize } from '../bert.ts';
import { byteCharacters } from '../byte-level.ts';
import type { NormalizerPart, Pattern } from '../file-schema.ts';
import { javascriptRegex } from './oniguruma.ts';
import { matchesOf, type Normalize } from '../pieces.ts';
import { precompiled } from './precompiled.ts';
import { asRegexKnows, lowercase, normalizationForm, trimEnd, trimStart, withoutMarks } from './unicode.ts';

/** @throws Error where a pattern or a map cannot be used */
export function normalizer(part: NormalizerPart | null | undefined): Normalize {
  if (part === null || part === undefined) return (text) => text;
  switch (part.type) {
    case 'BertNormalizer':
      return (text) => bertNormalize(text, part);
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => normalizationForm(text, part.type);
    case 'StripAccents':
      return withoutMarks;
    case 'Lowercase':
      return lowercase;
    case 'Nmt':
      return nmt;
    case 'Strip':
      return (text) => {
        const started = part.strip_left ? trimStart(text) : text;
        return part.strip_right ? trimEnd(started) : started;
      };
    case 'Prepend':
      return (text) => (text === '' ? '' : part.prepend + text);
    case 'Precompiled':
      return precompiled(part.precompiled_charsmap);
    case 'ByteLevel':
      return byteCharacters;
    case 'Replace':
      return replacer(part.pattern, part.content);
    default: {
      const steps = part.normalizers.map(normalizer);
      return (text) => steps.reduce((normal, step) => step(normal), text);
    }
  }
}

const NMT_GONE = /(?![\t\n\f\r\0\u0080-\u008e\u0090-\u009e])\p{Cc}/gu;
const NMT_SPACE = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;
const nmt = (text: string): string => text.replace(NMT_GONE, '').replace(NMT_SPACE, ' ');

function replacer(pattern: Pattern, content: string): Normalize {
  if ('String' in pattern) {
    const searched = pattern.String;
    return searched === '' ? (text) => text : (text) => text.replaceAll(searched, () => content);
  }
  const regex = javascriptRegex(pattern.Regex);
  return (text) => {
    let result = '';
    let last = 0;
    for (const { start, end } of matchesOf(asRegexKnows(text), regex)) {
      result += text.slice(last, start) + content;
      last = end;
    }
    return result + text.slice(last);
  };
}
