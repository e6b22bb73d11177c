import { describe, expect, it } from 'vitest';
import { against, fine, refuse, vectorOf, type Behaviour } from './fake-server.ts';
import { failureOf, fakeServer, KEY, openingFailure, remote, row, TEXT } from './harness.ts';

describe('a server that will not', () => {
  it.each<[number, object, string, string]>([
    [401, { code: 'invalid_api_key' }, 'ENDPOINT_UNAUTHORIZED', 'BACKFILL_MODEL_API_KEY'],
    [403, {}, 'ENDPOINT_UNAUTHORIZED', 'BACKFILL_MODEL_API_KEY'],
    [402, {}, 'ENDPOINT_QUOTA', 'BACKFILL_MODEL_API_KEY'],
    [429, { code: 'insufficient_quota' }, 'ENDPOINT_QUOTA', 'BACKFILL_MODEL_API_KEY'],
    [404, { code: 'model_not_found' }, 'ENDPOINT_NOT_FOUND', 'BACKFILL_MODEL_NAME'],
    [405, {}, 'ENDPOINT_NOT_FOUND', 'BACKFILL_MODEL_ENDPOINT'],
    [501, {}, 'ENDPOINT_NOT_FOUND', 'BACKFILL_MODEL_NAME'],
    [400, {}, 'ENDPOINT_REFUSES', 'BACKFILL_MODEL_DIMENSIONS'],
  ])('stops at %d %j at once, with a remedy and without its words', async (status, facts, code, option) => {
    const bad: Behaviour = ({ texts, headers }, response) =>
      refuse(response, status, `${headers.authorization} ${texts.join()}`, facts);
    const opening = await openingFailure(bad);
    const { server, embedder } = await remote(bad);
    const later = await failureOf(embedder.embed([TEXT]));
    for (const error of [opening, later]) {
      expect(error).toMatchObject({ name: 'ConfigError', code });
      expect(error.message).toMatch('http://127.0.0.1:');
      expect(error.message).toMatch(String(status));
      expect(error.remedy).toMatch(option);
    }
    // A refused text is told from a server that refuses everything by one more request.
    expect(server.asked).toHaveLength(status === 400 ? 2 : 1);
  });

  it.each([301, 302, 307, 308])('is not followed to another host by %d', async (status) => {
    const elsewhere = await fakeServer();
    const { server, embedder } = await remote((_, response) =>
      response.writeHead(status, { location: `${elsewhere.origin}/v1/embeddings?key=${KEY}` }).end(),
    );
    const error = await failureOf(embedder.embed([TEXT]));
    expect(error).toMatchObject({ name: 'ConfigError', code: 'ENDPOINT_REDIRECTS' });
    expect(server.asked).toHaveLength(1);
    expect(elsewhere.asked).toEqual([]);
  });

  it('shows its short word, but not where it is of the key or of a text', async () => {
    const word = async (facts: object, text = TEXT): Promise<string> => {
      const { embedder } = await remote((_, response) => refuse(response, 403, 'no', facts));
      return (await failureOf(embedder.embed([text]))).message;
    };
    expect(await word({ code: 'region_blocked' })).toMatch('403 (region_blocked)');
    expect(await word({ code: null, type: 'BadRequestError' })).toMatch('403 (BadRequestError)');
    expect(await word({ code: 'secretive' }, 'what is Secretive')).toMatch('403 (invalid_request_error)');
    for (const code of [
      'sk-very',
      'very',
      'Elm',
      'jane',
      TEXT,
      KEY,
      `x${KEY}`,
      'a sentence of it',
      'x'.repeat(50),
      42,
      {},
    ])
      expect(await word({ code, type: code })).not.toMatch(/\(/);
  });
});

describe('a request that is refused', () => {
  const many: Behaviour = ({ texts }, response, nth) => {
    if (texts.length > 3) refuse(response, 422, `batch size ${texts.length} > maximum allowed batch size 3`);
    else fine({ texts } as never, response, nth);
  };

  it('for its number of texts is halved, and so are those after it from the start', async () => {
    const { server, embedder } = await remote(many, { requestTexts: 8, requestConcurrency: 1 });
    const texts = Array.from({ length: 8 }, (_, index) => `text ${index}`);
    const result = await embedder.embed(texts);
    expect(texts.map((_, index) => row(embedder, result, index))).toEqual(texts.map(vectorOf));
    expect(server.requests.map(({ length }) => length)).toEqual([8, 4, 4, 2, 2, 2, 2]);
    server.behave(many);
    await embedder.embed(texts);
    expect(server.requests.map(({ length }) => length)).toEqual([2, 2, 2, 2]);
  });

  it('as too large a body is halved, whatever else the page says', async () => {
    const { server, embedder } = await remote(({ texts }, response, nth) => {
      if (texts.join('').length <= 100) return fine({ texts } as never, response, nth);
      response.writeHead(413, { 'content-type': 'text/html' }).end('<html>nginx</html>');
    });
    const texts = Array.from({ length: 8 }, () => 'x'.repeat(40));
    const result = await embedder.embed(texts);
    expect([...result.faults, ...result.truncated].every((value) => value === 0)).toBe(true);
    expect(server.requests.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual([
      2, 2, 2, 2, 4, 4, 8,
    ]);
  });

  it.each([400, 422])('with %d for one text leaves the others as they are', async (status) => {
    const { server, embedder } = await remote(
      against(TEXT, ({ texts, headers }, response) =>
        refuse(response, status, `cannot read ${texts.join()} of ${headers.authorization}`),
      ),
    );
    const texts = ['one', 'two', TEXT, 'three', 'four'];
    const result = await embedder.embed(texts);
    expect([...result.faults]).toEqual([0, 0, 6, 0, 0]);
    for (const index of [0, 1, 3, 4])
      expect(row(embedder, result, index)).toEqual(vectorOf(texts[index] ?? ''));
    expect(server.requests.filter((request) => request.includes(TEXT)).length).toBeLessThanOrEqual(4);
  });

  it('because the model is gone blames no row', async () => {
    const { embedder } = await remote((_, response) =>
      refuse(response, 400, 'billing', { code: 'billing_hard_limit_reached' }),
    );
    const error = await failureOf(embedder.embed(['one', 'two', TEXT]));
    expect(error).toMatchObject({ name: 'ConfigError', code: 'ENDPOINT_REFUSES' });
    expect(error.message).toMatch('billing_hard_limit_reached');
  });
});

describe('a server that fails on one text for ever', () => {
  const POISON = 'POISON of Elm Street';
  const texts = Array.from({ length: 50 }, (_, index) => (index === 9 ? POISON : `text ${index}`));

  it.each<[string, Behaviour]>([
    ['answers 500', (_, response) => refuse(response, 500, 'unsupported value: NaN', { type: 'api_error' })],
    ['breaks the connection', (_, response) => response.destroy()],
  ])('and %s costs one row', async (_, bad) => {
    const { server, embedder } = await remote(against(POISON, bad));
    const result = await embedder.embed(texts);
    expect([...result.faults].flatMap((fault, at) => (fault === 0 ? [] : [[at, fault]]))).toEqual([[9, 6]]);
    expect(row(embedder, result, 49)).toEqual(vectorOf('text 49'));
    // Of the text alone as many tries as of any request, so that one bad moment is not its fault.
    expect(server.requests.filter(({ length, 0: only }) => length === 1 && only === POISON)).toHaveLength(5);
  });

  it('is out of order where it fails on all of them, or on the plain sentence too', async () => {
    const plain: Behaviour = (asked, response, nth) =>
      (asked.texts.some((text) => text.startsWith('text') || text === POISON) ? always500 : fine)(
        asked,
        response,
        nth,
      );
    const always500: Behaviour = (_, response) => refuse(response, 500, 'out of memory');
    for (const behaviour of [plain, always500]) {
      const { embedder } = await remote(behaviour);
      expect(await failureOf(embedder.embed(texts))).toMatchObject({ code: 'ENDPOINT_UNAVAILABLE' });
    }
  });
});
