/** One HTTP request and its reply, or why there is none. Nothing of fetch's own errors is passed on: they quote URLs and headers. */

import { ConfigError } from '../../errors.ts';
import { named, type Address } from './address.ts';
import { readBody } from './response.ts';

export interface Reply {
  status: number;
  headers: Headers;
  /** Content type; empty where there is none. */
  type: string;
  /** Null where it is longer than allowed. */
  body: string | null;
}

export interface Limits {
  timeoutMs: number;
  /** Of the body of a success. */
  maxBytes: number;
  signal: AbortSignal;
}

/** An error's own words, and the request as an echo, escaped: cut off, the words could not be read. */
const ERROR_BYTES = 64 * 1024;
const ECHO_FACTOR = 6;

/** @throws the reason of the signal where it aborts, ConfigError where the certificate is not trusted. */
export async function exchange(
  address: Address,
  body: string,
  { timeoutMs, maxBytes, signal }: Limits,
): Promise<Reply | { why: string }> {
  signal.throwIfAborted();
  // Not AbortSignal.any over AbortSignal.timeout: in Node 20 the combination can be collected before it fires, and what
  // follows a signal that lives for long is kept until that signal ends.
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  try {
    const response = await fetch(address.url, {
      method: 'POST',
      headers: address.headers,
      body,
      // Handed out, not followed: the key is for this host, and the reply says why better than fetch's error does.
      redirect: 'manual',
      signal: ended.signal,
    });
    return {
      status: response.status,
      headers: response.headers,
      type: response.headers.get('content-type') ?? '',
      body: await readBody(response, response.ok ? maxBytes : ERROR_BYTES + ECHO_FACTOR * body.length),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (ended.signal.aborted) return { why: `it did not answer within ${timeoutMs / 1000} s` };
    const code = socketCode(error);
    if (code !== undefined && /CERT|SIGNATURE|^ERR_(TLS|SSL)/.test(code)) throw untrusted(address, code);
    return { why: code === undefined ? 'the connection broke' : `the connection broke (${code})` };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

function socketCode(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(cause.code) ? cause.code : undefined;
}

function untrusted(address: Address, code: string): ConfigError {
  return new ConfigError(`The certificate of ${address.shown} is not trusted (${code}).`, {
    code: 'ENDPOINT_UNTRUSTED',
    remedy: `Correct ${named('modelEndpoint')}, or name the authority's certificate in the env variable NODE_EXTRA_CA_CERTS.`,
  });
}
