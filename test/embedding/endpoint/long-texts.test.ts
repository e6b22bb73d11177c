import { describe, expect, it } from 'vitest';
import { against, fine, items, json, refuse, vectorOf, type Behaviour } from './fake-server.ts';
import { remote, row, TEXT } from './harness.ts';

/** As servers say it, with the status that they give it. */
const COMPLAINTS: [string, number, unknown][] = [
  [
    'OpenAI',
    400,
    {
      error: {
        message: "This model's maximum context length is 8192 tokens",
        code: 'context_length_exceeded',
      },
    },
  ],
  [
    'vLLM',
    400,
    {
      object: 'error',
      message:
        "This model's maximum context length is 512 tokens. However, you requested 1451 tokens in the input.",
      type: 'BadRequestError',
      code: 400,
    },
  ],
  [
    'TEI',
    413,
    { message: '`inputs` must have less than 512 tokens. Given: 1451', code: 413, type: 'validation' },
  ],
  ['Ollama', 400, { error: 'the input length exceeds the context length' }],
  [
    'llama.cpp',
    500,
    {
      error: {
        code: 500,
        message: 'input is too large to process. increase the physical batch size',
        type: 'server_error',
      },
    },
  ],
  [
    'FastAPI',
    422,
    { detail: [{ loc: ['body'], msg: 'String should have at most 10 characters: too long', input: 'x' }] },
  ],
  ['a proxy', 413, '<html>413 Request Entity Too Large</html>'],
];

describe('a text that is too long', () => {
  /** Takes texts of at most 45 characters. */
  const short =
    (status: number, body: unknown): Behaviour =>
    ({ texts }, response) => {
      if (texts.every((text) => text.length <= 45))
        json(response, { data: items(texts), usage: { prompt_tokens: 5 } });
      else json(response, body, status);
    };
  const LONG = `${TEXT}. `.repeat(8);

  it.each(COMPLAINTS)('is cut in halves until %s takes it', async (_, status, body) => {
    const { server, embedder } = await remote(short(status, body), { documentPrefix: 'doc: ' });
    const result = await embedder.embed(['one', LONG]);
    expect([...result.faults]).toEqual([0, 0]);
    expect([...result.truncated]).toEqual([0, 1]);
    const accepted = `doc: ${LONG.slice(0, Math.ceil(LONG.length / 8))}`;
    expect(server.requests.at(-1)).toEqual([accepted]);
    expect(row(embedder, result, 1)).toEqual(vectorOf(accepted));
  });

  it.each(COMPLAINTS)('is skipped or fails as asked for, where %s says so', async (_, status, body) => {
    const skip = await remote(short(status, body), { longText: 'skip' });
    expect([...(await skip.embedder.embed(['one', LONG])).faults]).toEqual([0, 5]);
    const fail = await remote(short(status, body), { longText: 'fail' });
    expect([...(await fail.embedder.embed(['one', LONG])).faults]).toEqual([0, 4]);
  });

  it('that no cut makes acceptable is refused after a bounded number of tries', async () => {
    const { server, embedder } = await remote(
      ({ texts }, response, nth) => {
        if (texts[0]?.startsWith('The quick')) fine({ texts } as never, response, nth);
        else refuse(response, 400, 'too long', { code: 'context_length_exceeded' });
      },
      { maxTokens: 8192 },
    );
    expect([...(await embedder.embed(['x'.repeat(500_000)])).faults]).toEqual([6]);
    expect(server.asked).toHaveLength(18);
  });

  it('is not taken for one because it speaks of lengths itself', async () => {
    const said = 'my essay on the maximum context length of 512 tokens is too long';
    const { embedder } = await remote(
      against(said, ({ texts }, response) => refuse(response, 400, `cannot read ${texts[0]}`)),
      { longText: 'skip' },
    );
    expect([...(await embedder.embed([said])).faults]).toEqual([6]);
  });

  it('is seen as one behind a long echo of it', async () => {
    const long = `${TEXT} "ä"\n`.repeat(5000);
    const { embedder } = await remote(
      against(long, ({ texts }, response) => refuse(response, 400, `${texts[0]} is too long`)),
      { longText: 'skip', maxTokens: 8192 },
    );
    expect([...(await embedder.embed([long])).faults]).toEqual([5]);
  });

  it('is averaged over its pieces, weighted by their lengths', async () => {
    // Pieces of at most 4 × 3 characters, at a blank where there is one near the end.
    const { server, embedder } = await remote(undefined, { longText: 'mean-of-chunks', maxTokens: 4 });
    const result = await embedder.embed(['aaaa bbbbbb cccc', 'short']);
    expect(server.requests).toEqual([['cccc', 'short', 'aaaa bbbbbb ']]);
    const [long, tail] = [vectorOf('aaaa bbbbbb '), vectorOf('cccc')];
    for (const [at, component] of row(embedder, result, 0).entries())
      expect(component).toBeCloseTo(((long[at] ?? 0) * 12 + (tail[at] ?? 0) * 4) / 16, 4);
    expect(row(embedder, result, 1)).toEqual(vectorOf('short'));
    expect([...result.truncated]).toEqual([0, 0]);
    expect(result.tokens[0]).toBeGreaterThan(result.tokens[1] ?? 0);
  });

  it('is divided further where a piece is still too long', async () => {
    const { server, embedder } = await remote(short(413, ''), {
      longText: 'mean-of-chunks',
      maxTokens: 30,
      normalize: true,
    });
    const text = 'abcdefgh '.repeat(20);
    const result = await embedder.embed([text]);
    const accepted = server.requests.filter(
      (request) =>
        request[0] !== 'The quick brown fox jumps over the lazy dog.' && request.join('').length <= 45,
    );
    expect(accepted.flat().join('')).toHaveLength(text.length);
    expect(Math.hypot(...row(embedder, result, 0))).toBeCloseTo(1, 5);
    expect([...result.faults, ...result.truncated]).toEqual([0, 0]);
  });

  it('gives the same vector whatever order the pieces are answered in', async () => {
    const text = 'some words of a text that is long '.repeat(20);
    const vectors: number[][] = [];
    for (const turned of [false, true]) {
      const held: (() => void)[] = [];
      const { embedder } = await remote(
        (asked, response, nth) => {
          if (held.push(() => fine(asked, response, nth)) < 4) return;
          for (const answer of turned ? held.toReversed() : held) answer();
        },
        { longText: 'mean-of-chunks', maxTokens: 60, requestTexts: 1, normalize: true },
      );
      vectors.push(row(embedder, await embedder.embed([text]), 0));
    }
    expect(vectors[0]).toEqual(vectors[1]);
  });

  it('has at most 64 pieces; the rest is cut and counted', async () => {
    const { server, embedder } = await remote(undefined, { longText: 'mean-of-chunks', maxTokens: 4 });
    const result = await embedder.embed(['x'.repeat(12 * 64), 'y'.repeat(12 * 64 + 1)]);
    expect([...result.truncated]).toEqual([0, 1]);
    expect(server.requests.flat()).toHaveLength(128);
  });

  it.each([
    ['truncate', 0, 1],
    ['skip', 5, 0],
    ['fail', 4, 0],
  ] as const)('without doubt is not left to the server: %s', async (longText, fault, truncated) => {
    const { server, embedder } = await remote(undefined, { longText, maxTokens: 4 });
    expect(embedder.maxCharacters).toBe(256);
    const result = await embedder.embed(['x'.repeat(300), 'y'.repeat(255)]);
    expect([...result.faults]).toEqual([fault, 0]);
    expect([...result.truncated]).toEqual([truncated, 0]);
    expect(Math.max(...server.requests.flat().map(({ length }) => length))).toBeLessThanOrEqual(256);
  });
});
