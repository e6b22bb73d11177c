/** Models of a tokenizer.json against the slow and plain way of doing the same. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelPart } from '../../../src/embedding/tokenizer/file.ts';
import { tokenizerModel } from '../../../src/embedding/tokenizer/model.ts';

describe('models', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '𠮷'), maxLength: 9 });

  it('BPE merges what the slow way merges', () => {
    const merges: [string, string][] = [['a', 'b'], ['b', 'b'], ['ab', 'a'], ['a', 'a'], ['c', 'aa'], ['aba', 'b']]; // prettier-ignore
    const tokens = ['a', 'b', 'c', '?', ...merges.map((pair) => pair.join(''))];
    const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
    const { tokenize } = tokenizerModel({ type: 'BPE', vocab, merges, unk_token: '?' });
    const slow = (text: string): string[] => {
      const parts = Array.from(text);
      for (;;) {
        const ranks = parts.map((part, at) =>
          merges.findIndex(([left, right]) => left === part && right === parts[at + 1]),
        );
        const best = Math.min(...ranks.filter((rank) => rank >= 0));
        if (best === Infinity) return parts;
        const at = ranks.indexOf(best);
        parts.splice(at, 2, `${parts[at]}${parts[at + 1]}`);
      }
    };
    fc.assert(
      fc.property(letters, (text) => {
        expect(tokenize(text)).toEqual(slow(text).map((part) => vocab[part] ?? vocab['?']));
      }),
    );
  });

  it.each<[Partial<Extract<ModelPart, { type: 'BPE' }>>, text: string, tokens: string[]]>([
    [{ unk_token: '?' }, 'xya', ['?', '?', 'a']],
    [{ unk_token: '?', fuse_unk: true }, 'xya', ['?', 'a']],
    [{}, 'xa', ['a']],
    [{ byte_fallback: true }, 'é', ['<0xC3>', '<0xA9>']],
    [{ ignore_merges: true }, 'whole', ['whole']],
    [{ continuing_subword_prefix: '##', end_of_word_suffix: '</w>' }, 'ab', ['a', '##b</w>']],
  ])('BPE with %j of %j', (flags, text, tokens) => {
    const known = ['?', 'a', 'whole', '<0xC3>', '<0xA9>', '##b</w>'];
    const vocab = Object.fromEntries(known.map((token, id) => [token, id]));
    const { tokenize } = tokenizerModel({ type: 'BPE', vocab, merges: [], ...flags });
    expect(tokenize(text).map((id) => known[id])).toEqual(tokens);
  });

  it('Unigram takes the best of all ways', () => {
    const scores: Record<string, number> = {
      '?': 0,
      a: -1.5,
      b: -2.25,
      ab: -3,
      ba: -2.5,
      aa: -3.25,
      bab: -4.125,
    };
    const vocab = Object.entries(scores);
    const { tokenize } = tokenizerModel({ type: 'Unigram', unk_id: 0, vocab });
    const best = (text: string): number => {
      if (text === '') return 0;
      const ways = Object.keys(scores).filter((token) => text.startsWith(token));
      const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
      const known = ways.map((token) => (scores[token] ?? 0) + best(text.slice(token.length)));
      const unknown = ways.includes(first) ? [] : [-14.125 + best(text.slice(first.length))];
      return Math.max(...known, ...unknown);
    };
    fc.assert(
      fc.property(letters, (text) => {
        const ids = tokenize(text);
        const unknowns = Array.from(text).filter((each) => !'ab'.includes(each)).length;
        const known = ids.filter((id) => id !== 0).reduce((sum, id) => sum + (vocab[id]?.[1] ?? 0), 0);
        expect(known - 14.125 * unknowns).toBeCloseTo(best(text), 9);
        // Unknown characters beside each other are one token.
        expect(ids.some((id, at) => id === 0 && ids[at + 1] === 0)).toBe(false);
      }),
    );
  });

  it('Unigram gives unknown characters their bytes', () => {
    const vocab: [string, number][] = [['?', 0], ['a', -1], ['<0xC3>', -9], ['<0xA9>', -9]]; // prettier-ignore
    const { tokenize } = tokenizerModel({ type: 'Unigram', unk_id: 0, vocab, byte_fallback: true });
    expect(tokenize('aé')).toEqual([1, 2, 3]);
    expect(tokenize('aè')).toEqual([1, 0]);
  });

  it('WordPiece takes the longest beginning, or the whole word is unknown', () => {
    const vocab = { '?': 0, un: 1, unw: 2, '##want': 3, '##ed': 4, '##anted': 5 };
    const part = { type: 'WordPiece', unk_token: '?', continuing_subword_prefix: '##', vocab } as const;
    const { tokenize } = tokenizerModel({ ...part, max_input_chars_per_word: 8 });
    expect(['unwanted', 'unwantex', 'un', 'unwanteded'].map(tokenize)).toEqual([[2, 5], [0], [1], [0]]);
  });
});
