import { describe, expect, it } from 'vitest';
import { fine, items, json, vectorOf, type Behaviour } from './fake-server.ts';
import { failureOf, openingFailure, remote, row, TEXT } from './harness.ts';

const TEXTS = ['one', 'three', TEXT];

describe('answers of a server', () => {
  it('sends model, texts and key to the path below the endpoint, and takes the vectors as they are', async () => {
    const { server, embedder } = await remote();
    const result = await embedder.embed(TEXTS);
    expect(embedder).toMatchObject({ model: 'test-model', dimensions: 4, precision: 'remote' });
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]).toMatchObject({
      path: '/v1/embeddings',
      headers: { authorization: 'Bearer sk-very-secret-4711', 'content-type': 'application/json' },
      body: { model: 'test-model', input: TEXTS, encoding_format: 'float' },
    });
    expect(server.asked[0]?.body).not.toHaveProperty('dimensions');
    expect(TEXTS.map((_, index) => row(embedder, result, index))).toEqual(TEXTS.map(vectorOf));
    expect([...result.faults, ...result.truncated]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('puts items that come in another order back in place', async () => {
    const { embedder } = await remote(({ texts }, response) =>
      json(response, { data: items(texts).toReversed() }),
    );
    const result = await embedder.embed(TEXTS);
    expect(TEXTS.map((_, index) => row(embedder, result, index))).toEqual(TEXTS.map(vectorOf));
  });

  it('reads base64 of little-endian floats, which some servers send unasked', async () => {
    const { embedder } = await remote(({ texts }, response) =>
      json(response, {
        data: items(texts, (text) => Buffer.from(new Float32Array(vectorOf(text)).buffer).toString('base64')),
      }),
    );
    const result = await embedder.embed(TEXTS);
    expect(TEXTS.map((_, index) => row(embedder, result, index))).toEqual(TEXTS.map(vectorOf));
  });

  it('scales to unit length where asked', async () => {
    const { embedder } = await remote(undefined, { normalize: true });
    const result = await embedder.embed(TEXTS);
    for (const [index, text] of TEXTS.entries()) {
      const length = Math.hypot(...vectorOf(text));
      for (const [at, component] of row(embedder, result, index).entries())
        expect(component).toBeCloseTo((vectorOf(text)[at] ?? 0) / length, 6);
    }
  });

  it.each<[string, Behaviour]>([
    ['an item missing', ({ texts }, response) => json(response, { data: items(texts).slice(1) })],
    ['an item doubled', ({ texts }, response) => json(response, { data: items([...texts, 'more']) })],
    [
      'an index twice',
      ({ texts }, response) =>
        json(response, { data: items(texts).map((item) => ({ ...item, index: Math.min(item.index, 1) })) }),
    ],
    [
      'an index that no text has',
      ({ texts }, response) =>
        json(response, { data: items(texts).map((item) => ({ ...item, index: item.index + 1 })) }),
    ],
    [
      'no index',
      ({ texts }, response) => json(response, { data: items(texts).map(({ embedding }) => ({ embedding })) }),
    ],
    ['another dimension', ({ texts }, response) => json(response, { data: items(texts, () => [1, 2, 3]) })],
    [
      'base64 of another length',
      ({ texts }, response) => json(response, { data: items(texts, () => 'AAAA') }),
    ],
    ['an error under status 200', ({ texts }, response) => json(response, { error: texts[0] })],
    ['a list', ({ texts }, response) => json(response, texts)],
    [
      'a page of HTML',
      ({ texts }, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(`<html>${texts.join(' ')}</html>`);
      },
    ],
  ])('stops at %s: what vector is whose is not guessed', async (_, behaviour) => {
    const { server, embedder } = await remote(behaviour);
    const error = await failureOf(embedder.embed(TEXTS));
    expect(error).toMatchObject({ name: 'ConfigError', code: 'ENDPOINT_ANSWER_UNUSABLE' });
    expect(error.remedy).toMatch(
      'model.endpoint (--model-endpoint, env BACKFILL_MODEL_ENDPOINT, file key backfills.<name>.model.endpoint)',
    );
    expect(server.asked).toHaveLength(1);
  });

  it('stops reading at a length that the vectors cannot have', async () => {
    let sent = 0;
    const { server, embedder } = await remote((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    const left = server.departure();
    expect(await failureOf(embedder.embed(TEXTS))).toMatchObject({ code: 'ENDPOINT_ANSWER_UNUSABLE' });
    await left;
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it.each<[string, unknown, number]>([
    ['null', [1, null, 3, 4], 2],
    ['a string as number', [1, '2', 3, 4], 2],
    ['a number beyond float32', [1, 1e300, 3, 4], 2],
    ['base64 of NaN', Buffer.from(new Float32Array([1, Number.NaN, 3, 4]).buffer).toString('base64'), 2],
    ['zeros', [0, 0, 0, 0], 3],
  ])('a vector with %s is the fault of its text alone', async (_, vector, fault) => {
    const { embedder } = await remote(({ texts }, response) =>
      json(response, { data: items(texts, (text) => (text === TEXT ? vector : vectorOf(text))) }),
    );
    const result = await embedder.embed(TEXTS);
    expect([...result.faults]).toEqual([0, 0, fault]);
    expect(row(embedder, result, 1)).toEqual(vectorOf('three'));
  });

  it('reads the NaN and Infinity of a server in Python, which are no JSON', async () => {
    const { server, embedder } = await remote((_, response) =>
      json(
        response,
        '{"data": [{"index": 0, "embedding": [1, NaN, 2, 3]}, {"index": 1, "embedding": [1, 2, -Infinity, 3]}, {"index": 2, "embedding": [1, 2, 3, 4]}]}',
      ),
    );
    expect([...(await embedder.embed(TEXTS)).faults]).toEqual([2, 2, 0]);
    expect(server.asked).toHaveLength(1);
  });

  it.each<[string, object, number[]]>([
    ['in proportion to the lengths', { usage: { prompt_tokens: 43 } }, [3, 5, 35]],
    ['by the total where that is all there is', { usage: { total_tokens: 42 } }, [3, 5, 34]],
    ['as 0 without usage', {}, [0, 0, 0]],
    ['as 0 where it is null', { usage: null }, [0, 0, 0]],
    ['as 0 where it is nonsense', { usage: { prompt_tokens: 'many' } }, [0, 0, 0]],
    ['as 0 where it is more than any', { usage: { prompt_tokens: 2 ** 31 } }, [0, 0, 0]],
    ['as 0 where it is negative', { usage: { prompt_tokens: -5 } }, [0, 0, 0]],
  ])('counts tokens %s', async (_, more, tokens) => {
    const { embedder } = await remote(({ texts }, response) =>
      json(response, { data: items(texts), ...more }),
    );
    expect([...(await embedder.embed(TEXTS)).tokens]).toEqual(tokens);
  });
});

describe('opening', () => {
  it('asks for the dimensions that are wanted, in every request', async () => {
    const { server, embedder } = await remote(undefined, { dimensions: 4 });
    await embedder.embed(['one']);
    expect(server.asked[0]?.body.dimensions).toBe(4);
  });

  it.each<[string, Behaviour, object]>([
    ['other dimensions than asked for', fine, { dimensions: 8 }],
    ['no dimensions', ({ texts }, response) => json(response, { data: items(texts, () => []) }), {}],
    [
      'more than any',
      ({ texts }, response) => json(response, { data: items(texts, () => Array(16_001).fill(1)) }),
      {},
    ],
    ['strings', ({ texts }, response) => json(response, { data: items(texts, () => ['1', '2']) }), {}],
    ['zeros', ({ texts }, response) => json(response, { data: items(texts, () => [0, 0]) }), {}],
  ])('refuses a model that gives %s', async (_, behaviour, options) => {
    const error = await openingFailure(behaviour, options);
    expect(error).toMatchObject({ name: 'ConfigError', code: 'ENDPOINT_ANSWER_UNUSABLE' });
    expect(error.remedy).toMatch('BACKFILL_MODEL_ENDPOINT');
  });
});
