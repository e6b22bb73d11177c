/** `POST {endpoint}/embeddings`: one request with its waiting and its repetitions, until there is an answer or a refusal. */

import { optionName } from '../../config/option-name.ts';
import { ConfigError, TransientError } from '../../errors.ts';
import { type Address, addressOf, exchange, type Reply } from './http.ts';
import { backoffMs, pause, RequestGate, type Timing } from './pacing.ts';
import {
  type Answer,
  maxAnswerBytes,
  parseJsonAnswer,
  readAnswer,
  readRefusal,
  type Refusal,
  describeRefusal,
  UnusableAnswer,
} from './response.ts';

export interface ClientOptions {
  name: string;
  endpoint: string;
  apiKey?: string | undefined;
  dimensions?: number | undefined;
  requestConcurrency: number;
  timeoutSeconds: number;
}

/** Failed tries of one request after the first; the job queue tries the batch again, later and longer. */
const RETRIES = 4;
/** Code of the error of a request that failed each time. */
export const UNAVAILABLE = 'ENDPOINT_UNAVAILABLE';
/** Longest that one request waits because the server wants to be asked less, ms. */
const LONGEST_THROTTLE_MS = 10 * 60_000;
/** A server that says 0 s for ever must not be asked without end. */
const SHORTEST_THROTTLE_MS = 1000;
/** Dimensions of the largest vector that PostgreSQL stores (pgvector), for the answer whose dimensions are not known yet. */
export const MAX_DIMENSIONS = 16_000;

type Outcome =
  | { kind: 'answer'; answer: Answer }
  | { kind: 'refusal'; refusal: Refusal }
  | { kind: 'throttled'; waitMs: number | undefined }
  | { kind: 'failed'; why: string };

export class EndpointClient {
  readonly address: Address;
  readonly #options: ClientOptions;
  readonly #timing: Timing;
  readonly #gate: RequestGate;
  /** What every vector must have, once the first answer has said it. */
  #dimensions: number | undefined;

  /** @throws ConfigError where no request can be made of address and key. */
  constructor(options: ClientOptions, timing: Timing) {
    this.address = addressOf(options.endpoint, options.apiKey);
    this.#options = options;
    this.#timing = timing;
    this.#gate = new RequestGate(options.requestConcurrency, timing);
    this.#dimensions = options.dimensions;
  }

  /**
   * @param retries failed tries after the first
   * @throws TransientError where the server does not answer in the end, ConfigError where asking again cannot help, the
   * signal's reason where it aborts.
   */
  send(texts: readonly string[], signal: AbortSignal, retries = RETRIES): Promise<Answer | Refusal> {
    return this.#gate.run(() => this.#persist(texts, signal, retries), signal);
  }

  async #persist(texts: readonly string[], signal: AbortSignal, retries: number): Promise<Answer | Refusal> {
    let failures = 0;
    let throttles = 0;
    let left = LONGEST_THROTTLE_MS;
    for (;;) {
      const waited = await this.#gate.open(left, signal);
      if (waited === null) throw this.#throttled();
      left -= waited;
      const outcome = await this.#once(texts, signal);
      switch (outcome.kind) {
        case 'answer':
          return outcome.answer;
        case 'refusal':
          return outcome.refusal;
        case 'throttled': {
          const ms = outcome.waitMs ?? backoffMs(throttles++, this.#timing);
          const wait = Math.max(SHORTEST_THROTTLE_MS, ms);
          // Held for no longer than one request would wait: a date in another year must not stop the worker for good.
          this.#gate.hold(Math.min(wait, LONGEST_THROTTLE_MS));
          if (wait > left) throw this.#throttled();
          break;
        }
        case 'failed':
          if (failures >= retries) throw this.#failed(outcome.why, failures + 1);
          await pause(this.#timing, backoffMs(failures++, this.#timing), signal);
      }
    }
  }

  async #once(texts: readonly string[], signal: AbortSignal): Promise<Outcome> {
    const { name, dimensions, timeoutSeconds } = this.#options;
    const body = JSON.stringify({ model: name, input: texts, encoding_format: 'float', dimensions });
    const reply = await exchange(this.address, body, {
      timeoutMs: timeoutSeconds * 1000,
      maxBytes: maxAnswerBytes(texts.length, this.#dimensions ?? MAX_DIMENSIONS),
      signal,
    });
    if ('why' in reply) return { kind: 'failed', why: reply.why };
    return reply.status >= 200 && reply.status < 300
      ? this.#accept(reply, texts.length)
      : this.#decline(reply, texts);
  }

  #accept(reply: Reply, count: number): Outcome {
    if (reply.type !== '' && !/\bjson\b/i.test(reply.type))
      throw this.#unusable('it is not JSON, perhaps the page of a proxy or another service');
    if (reply.body === null) throw this.#unusable('it is far longer than the vectors that were asked for');
    const json = parseJsonAnswer(reply.body);
    if (json === undefined) return { kind: 'failed', why: 'its answer was cut off' };
    try {
      const answer = readAnswer(json, count, this.#dimensions);
      this.#dimensions ??= answer.dimensions;
      return { kind: 'answer', answer };
    } catch (error) {
      throw error instanceof UnusableAnswer ? this.#unusable(error.message) : error;
    }
  }

  #decline(reply: Reply, texts: readonly string[]): Outcome {
    const { status } = reply;
    const refusal = readRefusal(status, reply.body ?? '', texts, this.address.secrets);
    const waitMs = askedWaitMs(reply.headers, this.#timing.now());
    // A quota that is used up has the status of a rate limit, but no waiting brings it back.
    if (status === 429 && refusal.word !== 'insufficient_quota') return { kind: 'throttled', waitMs };
    if (status === 503 && waitMs !== undefined) return { kind: 'throttled', waitMs };
    // llama.cpp says of a text that is too long for it that it failed itself.
    const refused = status === 400 || status === 413 || status === 422;
    if (refused || (status === 500 && refusal.complaint === 'too-long')) return { kind: 'refusal', refusal };
    const error = statusError(refusal, this.address, this.#options.name);
    if (error !== undefined) throw error;
    return { kind: 'failed', why: `it answered ${describeRefusal(refusal)}` };
  }

  #unusable(why: string): ConfigError {
    return new ConfigError(`The answer of ${this.address.shown} cannot be used: ${why}.`, {
      code: 'ENDPOINT_ANSWER_UNUSABLE',
      remedy: `Check that ${optionName('model.endpoint')} is the base URL of an OpenAI-compatible server, such as http://127.0.0.1:8080/v1, that serves one model by the name of ${optionName('model.name')}, in the dimensions of ${optionName('model.dimensions')} where those are given.`,
    });
  }

  #failed(why: string, tries: number): TransientError {
    return new TransientError(
      `The model at ${this.address.shown} cannot be reached: ${why}, ${tries} times.`,
      {
        code: UNAVAILABLE,
        remedy: `Look at the server that ${optionName('model.endpoint')} points to.`,
      },
    );
  }

  #throttled(): TransientError {
    return new TransientError(
      `The server at ${this.address.shown} takes no requests for more than ${LONGEST_THROTTLE_MS / 60_000} minutes: its rate limit is reached.`,
      {
        code: 'ENDPOINT_THROTTLED',
        remedy: `Run fewer workers, lower ${optionName('model.requestConcurrency')}, or have the limit raised.`,
      },
    );
  }
}

/** Try again: time-outs, conflicts, a backend behind the server that failed (424, Text Embeddings Inference), too early. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 409, 424, 425]);
/** llama.cpp says 501 where it was started without embeddings. */
const NOT_IMPLEMENTED = 501;

/** @returns undefined where the same request may succeed later. */
export function statusError(refusal: Refusal, { shown }: Address, model: string): ConfigError | undefined {
  const { status } = refusal;
  if (TRANSIENT.has(status) || (status >= 500 && status !== NOT_IMPLEMENTED)) return undefined;
  const answered = `${shown} answered ${describeRefusal(refusal)}`;
  if (status < 400)
    return new ConfigError(`${answered}: it sends requests elsewhere, where text and key were not sent.`, {
      code: 'ENDPOINT_REDIRECTS',
      remedy: `Set ${optionName('model.endpoint')} to the address at which the server answers itself; look for http in place of https.`,
    });
  if (status === 401 || status === 403)
    return new ConfigError(`${answered}: it does not let this key, or nobody without a key, use the model.`, {
      code: 'ENDPOINT_UNAUTHORIZED',
      remedy: `Check ${optionName('model.apiKey')}, and that it may use ${model}.`,
    });
  if (status === 402 || status === 429)
    return new ConfigError(`${answered}: the quota of this key is used up.`, {
      code: 'ENDPOINT_QUOTA',
      remedy: `Add to the account's quota or budget, or set another key in ${optionName('model.apiKey')}.`,
    });
  return new ConfigError(`${answered}: it has no model ${model}, or does not embed at this path.`, {
    code: 'ENDPOINT_NOT_FOUND',
    remedy: `Check ${optionName('model.name')}, which the server must have loaded for embeddings, and ${optionName('model.endpoint')}, to which /embeddings is added.`,
  });
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Ms that the server asks to wait, undefined where it does not say. */
export function askedWaitMs(headers: Headers, now: number): number | undefined {
  const milliseconds = headers.get('retry-after-ms');
  if (milliseconds !== null && /^\d+(\.\d+)?$/.test(milliseconds)) return Number(milliseconds);
  const after = headers.get('retry-after')?.trim();
  if (after !== undefined && /^\d+(\.\d+)?$/.test(after)) return Number(after) * 1000;
  const date = after === undefined ? Number.NaN : Date.parse(after);
  if (Number.isFinite(date)) return Math.max(0, date - now);
  // OpenAI's: when a limit of which nothing remains is full again, as 1s, 6m0s or 20ms.
  const waits = ['requests', 'tokens']
    .filter((kind) => headers.get(`x-ratelimit-remaining-${kind}`) === '0')
    .map((kind) => durationMs(headers.get(`x-ratelimit-reset-${kind}`) ?? ''))
    .filter((ms) => ms !== undefined);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

function durationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    ms += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return ms;
}
