/** Passages of texts as an embedder gives them: masked, with their places, each with the vector that its text has alone. */

import { describe, expect, it } from 'vitest';
import { articles } from '../../../src/demo/articles.ts';
import type { Embedder } from '../../../src/embedding/embedder.ts';
import { openTransformersEmbedder } from '../../../src/embedding/local-embedder.ts';
import { passagesOf } from '../../../src/embedding/passages/text-passages.ts';
import { createMasker } from '../../../src/masking/masker.ts';
import { MaskTooSlow } from '../../../src/masking/rules.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';
import { remote } from '../endpoint/harness.ts';

const bodies = articles().map(({ title, body }) => `${title}\n${body ?? ''}`);
/** With characters of two UTF-16 units before and in it, and values to mask. */
const LONG = `𠀀𠀁 ${bodies.slice(0, 12).join(' anna@example.com \u{1F600}\n\n')}`;
const characters = Array.from(LONG);
const masker = createMasker({ types: ['email'], rules: [] });
const masked = (text: string): string => masker.mask(text).text;

/** Each passage is the masked text of its place. */
function checkPlaces(
  passages: readonly { text: string; start: number; end: number }[],
  length: number,
): void {
  let before = 0;
  for (const { text, start, end } of passages) {
    expect(masked(characters.slice(start, end).join(''))).toBe(text);
    expect(start).toBeLessThanOrEqual(before);
    before = end;
  }
  expect(before).toBe(length);
}

describe('passages of a text', () => {
  it('have the model’s tokens, places in the text of the row, and the vectors of their texts', async () => {
    const options = modelOptionsOf(sampleModel());
    const embedder = await openTransformersEmbedder(
      {
        ...options,
        longText: 'chunks',
        chunkTokens: 40,
        chunkOverlap: 8,
        mask: { types: ['email'], rules: [] },
      },
      2,
    );
    try {
      const { texts, masked: counts } = await embedder.cutPassages([LONG, 'bread', ...bodies.slice(0, 3)]);
      const [long, short] = texts;
      expect(counts).toEqual({ email: 11 });
      checkPlaces(long?.passages ?? [], characters.length);
      expect(short).toEqual({ passages: [{ text: 'bread', start: 0, end: 5 }], truncated: false, fault: 0 });
      const passages = (long?.passages ?? []).map(({ text }) => text);
      const embedded = await embedder.embed(passages, { as: 'passage' });
      expect(Math.max(...embedded.tokens)).toBeLessThanOrEqual(40);
      expect(Math.max(...embedded.tokens)).toBeGreaterThan(30);
      expect([...embedded.truncated].some((each) => each === 1)).toBe(false);
      expect(embedded.masked).toEqual({});
      const alone = await embedder.embed(['bread'], { as: 'passage' });
      expect(alone.vectors).toEqual((await embedder.embed(['bread'])).vectors);
      expect(await embedder.cutPassages([])).toEqual({ texts: [], masked: {} });
    } finally {
      await embedder.close();
    }
  });

  it('are at most so many, and what is left out is said', async () => {
    const options = modelOptionsOf(sampleModel());
    const embedder = await openTransformersEmbedder(
      { ...options, longText: 'chunks', maxTokens: 40, chunkOverlap: 8, maxChunks: 3 },
      1,
    );
    try {
      const [long, short] = (await embedder.cutPassages([LONG, 'bread'])).texts;
      expect(long).toMatchObject({ truncated: true, fault: 0 });
      expect(long?.passages).toHaveLength(3);
      expect(short?.truncated).toBe(false);
      expect(embedder.maxCharacters).toBe(40 * 64 * 3);
    } finally {
      await embedder.close();
    }
  });

  it('have to have room beside the prefix', async () => {
    const options = {
      ...modelOptionsOf(sampleModel()),
      longText: 'chunks',
      chunkTokens: 16,
      chunkOverlap: 2,
      documentPrefix: 'a passage about bread and dough and yeast: ',
    } as const;
    await expect(openTransformersEmbedder(options, 1)).rejects.toThrow(
      /model\.documentPrefix and the tokens around it are \d+, and a passage \(model\.chunkTokens\) has 16/,
    );
    const chunks = { tokens: 20, overlap: 2, max: 5, find: () => [] };
    const { documentPrefix } = options;
    await expect(remote(undefined, { longText: 'chunks', documentPrefix, chunks })).rejects.toMatchObject({
      code: 'PASSAGE_ROOM',
    });
  });

  it('of a server’s model are counted by their characters, and leave masked', async () => {
    const { server, embedder } = await remote(undefined, {
      mask: (text) => masker.mask(text),
      longText: 'chunks',
      maxTokens: 100,
      documentPrefix: 'passage: ',
      chunks: { tokens: 80, overlap: 10, max: 100, find: (text) => masker.find(text) },
    });
    const cut = await (embedder as Required<Embedder>).cutPassages([LONG]);
    const passages = cut.texts[0]?.passages ?? [];
    checkPlaces(passages, characters.length);
    for (const { text } of passages) expect(text.length).toBeLessThanOrEqual(3 * 80);
    await embedder.embed(
      passages.map(({ text }) => text),
      { as: 'passage' },
    );
    expect(server.requests.flat().toSorted()).toEqual(
      passages.map(({ text }) => `passage: ${text}`).toSorted(),
    );
  });

  it('are none of a text on which a rule takes too long', () => {
    const find = (): never => {
      throw new MaskTooSlow('slow', 1);
    };
    const tokens = { max: 10, overlap: 2, ofPart: () => 1, ofPassage: () => 1 };
    expect(passagesOf('text', { find }, tokens, 5)).toEqual({
      passages: [],
      truncated: false,
      fault: 7,
      counts: {},
    });
  });
});
