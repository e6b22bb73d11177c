import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openEndpointEmbedder } from '../../../src/embedding/endpoint/embedder.ts';
import { endpointFingerprint } from '../../../src/embedding/endpoint/fingerprint.ts';
import { cut, split, spread } from '../../../src/embedding/endpoint/call.ts';
import { refuse } from './fake-server.ts';
import {
  expectDiscreet,
  failureOf,
  fakeServer,
  FakeTiming,
  KEY,
  optionsFor,
  remote,
  TEXT,
} from './harness.ts';

describe('what leaves the machine', () => {
  const mask = (text: string): { text: string; counts: Record<string, number> } => ({
    text: text.replaceAll('Jane', '[name]'),
    counts: text.includes('Jane') ? { name: 1, all: 2 } : { all: 1 },
  });

  it('is masked, then has its prefix, and the counts come back', async () => {
    const { server, embedder } = await remote(undefined, {
      mask,
      documentPrefix: 'Jane: ',
      queryPrefix: 'query: ',
    });
    const { masked } = await embedder.embed(['Jane Roe', 'nobody', 'aunt Jane']);
    expect(server.requests).toEqual([['Jane: nobody', 'Jane: [name] Roe', 'Jane: aunt [name]']]);
    expect(masked).toEqual({ name: 2, all: 5 });
    await embedder.embed(['who is Jane'], { as: 'query' });
    expect(server.requests.at(-1)).toEqual(['query: who is [name]']);
  });

  it('is no text of white space, before masking or after', async () => {
    const { server, embedder } = await remote(undefined, {
      mask: () => ({ text: ' ', counts: { all: 1 } }),
      documentPrefix: 'passage: ',
    });
    const result = await embedder.embed(['', ' \n\t\u00A0', 'gone']);
    expect([...result.faults]).toEqual([1, 1, 1]);
    expect(result.masked).toEqual({ all: 1 });
    expect((await embedder.embed([])).vectors).toHaveLength(0);
    expect(server.asked).toEqual([]);
  });

  it('goes in requests of similar lengths, of so many texts and so many characters', async () => {
    const { server, embedder } = await remote(undefined, {
      requestTexts: 3,
      requestConcurrency: 1,
      maxTokens: 8192,
    });
    const lengths = [5, 200_000, 1, 4, 100_000, 2, 300_000, 3];
    await embedder.embed(lengths.map((length) => 'x'.repeat(length)));
    expect(server.requests.map((request) => request.map(({ length }) => length))).toEqual([
      [1, 2, 3],
      [4, 5, 100_000],
      [200_000],
      [300_000],
    ]);
  });
});

describe('the address', () => {
  it.each([
    ['/v1', '/v1/embeddings'],
    ['/v1/', '/v1/embeddings'],
    ['', '/embeddings'],
    ['/v1/embeddings', '/v1/embeddings'],
    ['/openai?api-version=1', '/openai/embeddings?api-version=1'],
  ])('%j is asked at %s', async (end, path) => {
    const server = await fakeServer();
    const embedder = await openEndpointEmbedder(optionsFor(server, { endpoint: server.origin + end }));
    await embedder.close();
    expect(server.asked[0]?.path).toBe(path);
  });

  it('carries its user and query to the server and into no message', async () => {
    const server = await fakeServer((_, response) =>
      refuse(response, 403, 'no', { code: 'pass_word', type: 'tokenword' }),
    );
    const endpoint = `${server.origin.replace('//', '//user%40x:pass_word@')}/v1?token=tokenword`;
    const error = await failureOf(
      openEndpointEmbedder(optionsFor(server, { endpoint, apiKey: undefined }), new FakeTiming()),
    );
    expectDiscreet(error, ['pass_word', 'tokenword', 'user@x', 'user%40x']);
    expect(error.message).toMatch(`${server.origin}/v1/embeddings answered 403:`);
    expect(server.asked[0]?.path).toBe('/v1/embeddings?token=tokenword');
    expect(server.asked[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('user@x:pass_word').toString('base64')}`,
    );
  });

  it('is sent no header without a key', async () => {
    const server = await fakeServer();
    await (await openEndpointEmbedder(optionsFor(server, { apiKey: undefined }))).close();
    expect(server.asked[0]?.headers).not.toHaveProperty('authorization');
  });

  it.each<[string, object]>([
    ['a key with a line break', { apiKey: `${KEY}\n` }],
    ['a key that no header can carry', { apiKey: `${KEY}é…` }],
    ['two ways to log in', { endpoint: `http://user:${KEY}@127.0.0.1:1/v1` }],
    ['an address that is none', { endpoint: KEY }],
  ])('is refused with %s, before anything is sent', async (_, options) => {
    const server = await fakeServer();
    const error = await failureOf(openEndpointEmbedder(optionsFor(server, options)));
    expect(error).toMatchObject({ name: 'ConfigError', code: 'ENDPOINT_INVALID' });
    expect(error.remedy).toMatch(/BACKFILL_MODEL_(ENDPOINT|API_KEY)/);
    expect(server.asked).toEqual([]);
  });
});

describe('the fingerprint', () => {
  it('stays where the model moves, and changes with all that changes a vector', async () => {
    const server = await fakeServer();
    const options = optionsFor(server);
    const embedder = await openEndpointEmbedder(options);
    await embedder.close();
    expect(embedder.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    const same = [
      options,
      {
        ...options,
        endpoint: 'https://elsewhere.test/v1',
        apiKey: 'another',
        requestTexts: 1,
        timeoutSeconds: 1,
      },
      { ...options, queryPrefix: 'query: ', documentPrefix: undefined },
    ];
    for (const each of same) expect(endpointFingerprint(each, 4)).toBe(embedder.fingerprint);
    const others = [
      { name: 'other' },
      { normalize: true },
      { maxTokens: 255 },
      { longText: 'skip' as const },
      { documentPrefix: 'passage: ' },
      { maskVersion: '2' },
    ].map((change) => endpointFingerprint({ ...options, ...change }, 4));
    expect(new Set([embedder.fingerprint, endpointFingerprint(options, 5), ...others]).size).toBe(8);
  });
});

describe('pieces', () => {
  const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });
  const halves = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

  it('are the text again but for white space, none too long, no character in two', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 30 }), (body, most) => {
        const pieces = split({ row: 3, from: 0, body, tries: 0, truncated: false }, most);
        let at = 0;
        for (const piece of pieces) {
          expect(body.slice(at, piece.from).trim()).toBe('');
          expect(body.startsWith(piece.body, piece.from)).toBe(true);
          expect(piece.body.length).toBeLessThanOrEqual(Math.max(most, 2));
          expect(piece.body).not.toMatch(halves);
          at = piece.from + piece.body.length;
        }
        expect(body.slice(at).trim()).toBe('');
      }),
    );
  });

  it('are cut between characters', () => {
    expect(cut('ab😀c', 3)).toBe('ab');
    expect(cut('ab😀c', 4)).toBe('ab😀');
    expect(cut('ab😀', 4)).toBe('ab😀');
    expect(cut(TEXT, 1000)).toBe(TEXT);
  });

  it('share the tokens of a request to the last one', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(fc.nat(10_000), { minLength: 1 }), (total, lengths) => {
        const shares = spread(total, lengths);
        const sum = shares.reduce((a, b) => a + b, 0);
        expect(sum).toBe(lengths.some((length) => length > 0) ? total : 0);
        expect(shares.every((share) => Number.isInteger(share) && share >= 0)).toBe(true);
      }),
    );
  });
});
