import { describe, expect, it } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import { backoffMs, pause, REAL_TIMING } from '../../../src/embedding/endpoint/pacing.ts';
import { fine, json, refuse, vectorOf, type Behaviour } from './fake-server.ts';
import { failureOf, FakeTiming, remote, row, TEXT } from './harness.ts';

/** `bad` for the first `times` requests, then fine. */
function first(times: number, bad: Behaviour): Behaviour {
  return (asked, response, nth) => (nth < times ? bad : fine)(asked, response, nth);
}

const never: Behaviour = () => {};

describe('rate limits', () => {
  const date = new Date(new FakeTiming().start + 90_000).toUTCString();
  it.each<[string, number, Record<string, string>, number]>([
    ['seconds', 429, { 'retry-after': '7' }, 7000],
    ['a date', 429, { 'retry-after': date }, 90_000],
    ['milliseconds', 429, { 'retry-after-ms': '2500' }, 2500],
    [
      'the reset of an exhausted limit',
      429,
      { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1m2s' },
      62_000,
    ],
    ['seconds, with 503', 503, { 'retry-after': '30' }, 30_000],
    ['no time at all, which is not believed', 429, { 'retry-after': '0' }, 1000],
  ])('waits as told by %s', async (_, status, headers, ms) => {
    const { server, embedder, timing } = await remote(
      first(1, (_, response) => refuse(response, status, 'slow down', {}, headers)),
    );
    const result = await embedder.embed(['one']);
    expect(timing.slept).toEqual([ms]);
    expect(server.asked).toHaveLength(2);
    expect(row(embedder, result, 0)).toEqual(vectorOf('one'));
  });

  it('backs off where it is not told how long, and does not count it as failing', async () => {
    const { server, embedder, timing } = await remote(
      first(12, (_, response) => refuse(response, 429, 'busy')),
    );
    await embedder.embed(['one']);
    expect(server.asked).toHaveLength(13);
    expect(timing.slept.slice(0, 5)).toEqual([1000, 1000, 1000, 2000, 4000]);
    expect(Math.max(...timing.slept)).toBe(30_000);
  });

  it('holds all requests back for the word of one', async () => {
    const { server, embedder, timing } = await remote(
      (asked, response, nth) => {
        if (nth === 0) refuse(response, 429, 'busy', {}, { 'retry-after': '20' });
        else {
          expect(timing.time).toBeGreaterThanOrEqual(timing.start + 20_000);
          fine(asked, response, nth);
        }
      },
      { requestTexts: 1, requestConcurrency: 1 },
    );
    await Promise.all([embedder.embed(['one', 'two']), embedder.embed(['three'])]);
    expect(server.asked).toHaveLength(4);
    expect(timing.slept).toEqual([20_000]);
  });

  it.each([
    ['that never ends', '60', 11],
    ['of a day', '86400', 1],
  ])('gives a limit %s back to the queue', async (_, seconds, requests) => {
    const { server, embedder, timing } = await remote((_, response) =>
      refuse(response, 429, 'busy', {}, { 'retry-after': seconds }),
    );
    const error = await failureOf(embedder.embed([TEXT]));
    expect(error).toMatchObject({ code: 'ENDPOINT_THROTTLED', retryable: true });
    expect(server.asked).toHaveLength(requests);
    expect(timing.time - timing.start).toBeLessThanOrEqual(600_000);
    // A date in another year does not stop the worker for good.
    server.behave(fine);
    expect([...(await embedder.embed([TEXT])).faults]).toEqual([0]);
    expect(timing.time - timing.start).toBeLessThanOrEqual(1_200_000);
  });
});

describe('a server that fails', () => {
  it.each<[string, Behaviour]>([
    ['500', (_, response) => refuse(response, 500, TEXT)],
    [
      '502 with a page',
      (_, response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>'),
    ],
    ['503 without a time', (_, response) => refuse(response, 503, 'Loading model')],
    ['504', (_, response) => refuse(response, 504, 'late')],
    ['408', (_, response) => refuse(response, 408, 'late')],
    ['424', (_, response) => refuse(response, 424, 'backend')],
    [
      'JSON that is cut off',
      ({ texts }, response) => json(response, `{"data": [{"index": 0, "x": "${texts[0]}`),
    ],
    ['a connection that is reset', (_, response) => response.destroy()],
    [
      'a connection that is reset in mid-body',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
        response.write('{"data": [', () => response.destroy());
      },
    ],
  ])('is asked again after %s', async (_, bad) => {
    const { server, embedder, timing } = await remote(first(2, bad));
    const result = await embedder.embed([TEXT]);
    expect(row(embedder, result, 0)).toEqual(vectorOf(TEXT));
    expect(server.asked).toHaveLength(3);
    expect(timing.slept).toEqual([250, 500]);
    server.behave(bad);
    const error = await failureOf(embedder.embed([TEXT]));
    expect(error).toBeInstanceOf(TransientError);
    expect(error.code).toBe('ENDPOINT_UNAVAILABLE');
    // Five tries, and a plain sentence that would have told whether the text is to blame.
    expect(server.asked).toHaveLength(6);
  });

  it.each<[string, Behaviour]>([
    ['answers', never],
    [
      'ends its headers',
      (_, response) => void response.socket?.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'),
    ],
    [
      'ends its body',
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
    ],
  ])('runs into the time-out where it never %s', async (_, bad) => {
    const { embedder, timing, setTimeoutSeconds } = await remote(bad);
    setTimeoutSeconds(0.05);
    const error = await failureOf(embedder.embed([TEXT]));
    expect(error).toMatchObject({ code: 'ENDPOINT_UNAVAILABLE', retryable: true });
    expect(error.message).toMatch('did not answer within 0.05 s, 5 times');
    expect(timing.slept).toHaveLength(4);
  });

  it('is a transient failure where nobody listens', async () => {
    const { server, embedder } = await remote();
    await server.close();
    const error = await failureOf(embedder.embed([TEXT]));
    expect(error).toMatchObject({ code: 'ENDPOINT_UNAVAILABLE', retryable: true });
    expect(error.message).toMatch('ECONNREFUSED');
  });
});

describe('requests under way', () => {
  it('are at most so many in the whole embedder, and that many', async () => {
    const held: (() => void)[] = [];
    const { server, embedder } = await remote(
      (asked, response, nth) => {
        const answer = (): void => fine(asked, response, nth);
        // The first three wait for each other: less than that at a time would not end.
        if (nth >= 3) answer();
        else if (held.push(answer) === 3) for (const release of held) release();
      },
      { requestTexts: 1, requestConcurrency: 3 },
    );
    const texts = Array.from({ length: 10 }, (_, index) => `text ${index}`);
    await Promise.all([embedder.embed(texts), embedder.embed(texts)]);
    expect(server.asked).toHaveLength(20);
    expect(server.most).toBe(3);
  });

  it('end with the signal, those that wait for their turn too, and nothing is sent after that', async () => {
    const { server, embedder } = await remote(never, { requestTexts: 1, requestConcurrency: 2 });
    const work = new AbortController();
    const [arrived, left] = [server.arrival(), server.departure()];
    const embedding = failureOf(embedder.embed(['one', 'two', 'three', TEXT], { signal: work.signal }));
    await arrived;
    work.abort();
    expect(await embedding).toMatchObject({ code: 'EMBEDDING_CANCELLED', retryable: true });
    await left;
    expect(server.asked.length).toBeLessThanOrEqual(2);
    expect(await failureOf(embedder.embed([TEXT], { signal: work.signal }))).toMatchObject({
      code: 'EMBEDDING_CANCELLED',
    });
    // The places of the ended ones are free again, and another caller's work is not touched.
    server.behave(fine);
    expect([...(await embedder.embed(['one', 'two', 'three'])).faults]).toEqual([0, 0, 0]);
  });

  it('end with the signal while they wait for a rate limit', async () => {
    const work = new AbortController();
    const { server, embedder, timing } = await remote((_, response) =>
      refuse(response, 429, 'busy', {}, { 'retry-after': '60' }),
    );
    timing.sleep = (_, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('woken')));
        work.abort();
      });
    const error = await failureOf(embedder.embed([TEXT], { signal: work.signal }));
    expect(error.code).toBe('EMBEDDING_CANCELLED');
    expect(server.asked).toHaveLength(1);
  });

  it('end with close(), after which there are none', async () => {
    const { server, embedder } = await remote(never);
    const arrived = server.arrival();
    const embedding = failureOf(embedder.embed([TEXT]));
    await arrived;
    await embedder.close();
    expect(await embedding).toMatchObject({ code: 'EMBEDDER_CLOSED', retryable: true });
    expect(await failureOf(embedder.embed([TEXT]))).toMatchObject({ code: 'EMBEDDER_CLOSED' });
    expect(server.asked).toHaveLength(1);
  });

  it('end where another request of the same call has failed for good', async () => {
    const { server, embedder } = await remote(
      ({ texts }, response) => {
        if (texts[0] === 'bad') refuse(response, 401, 'no');
      },
      { requestTexts: 1 },
    );
    const left = server.departure();
    expect(await failureOf(embedder.embed(['bad', 'silence']))).toMatchObject({
      code: 'ENDPOINT_UNAUTHORIZED',
    });
    await left;
  });
});

describe('waiting in real time', () => {
  it('ends with the signal, for the reason that it gives', async () => {
    const work = new AbortController();
    const reason = new TransientError('enough', { code: 'EMBEDDER_CLOSED' });
    const waiting = pause(REAL_TIMING, 600_000, work.signal);
    work.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(pause(REAL_TIMING, 600_000, work.signal)).rejects.toBe(reason);
  });

  it('grows to a minute, spread at random over all of it but for the first moment', () => {
    const waits = (random: number): number[] =>
      [0, 1, 5, 30].map((attempt) => backoffMs(attempt, { ...REAL_TIMING, random: () => random }));
    expect(waits(1)).toEqual([500, 1000, 16_000, 60_000]);
    expect(waits(0.5)).toEqual([250, 500, 8000, 30_000]);
    expect(waits(0)).toEqual([100, 100, 100, 100]);
  });
});
