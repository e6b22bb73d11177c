/** Where a remote model is, and one HTTP request to it with its reply, or why there is none. */

import { optionName } from '../../config/option-name.ts';
import { ConfigError } from '../../errors.ts';
import { readBody } from './response.ts';

export interface Address {
  url: string;
  headers: Record<string, string>;
  /** For messages: scheme, host and path only. */
  shown: string;
  /** What must not be seen anywhere, should the server send it back. */
  secrets: string[];
}

const invalid = (message: string, remedy: string): ConfigError =>
  new ConfigError(message, { code: 'ENDPOINT_INVALID', remedy });

/** @throws ConfigError where no request can be made of it; the platform's own errors would show the key or the password. */
export function addressOf(endpoint: string, apiKey: string | undefined): Address {
  if (!URL.canParse(endpoint))
    throw invalid('The address of the model is no URL.', `Set ${optionName('model.endpoint')}.`);
  const url = new URL(endpoint);
  const user = decoded(url.username);
  const password = decoded(url.password);
  url.username = '';
  url.password = '';
  url.hash = '';
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/embeddings') ? path : `${path}/embeddings`;
  const shown = `${url.protocol}//${url.host}${url.pathname}`;

  const credentials = user === '' && password === '' ? undefined : `${user}:${password}`;
  if (credentials !== undefined && apiKey !== undefined)
    throw invalid(
      `${shown} is to be asked with a user of the URL and with a key, but a request has room for one of them.`,
      `Take the user out of ${optionName('model.endpoint')}, or unset ${optionName('model.apiKey')}.`,
    );
  // A line break in it, as of a file that was read whole, cannot be sent.
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw invalid(
      'The key of the model holds white space or characters that no HTTP header can carry.',
      `Look for a line break or a blank in ${optionName('model.apiKey')}.`,
    );

  const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json' };
  if (apiKey !== undefined) headers['authorization'] = `Bearer ${apiKey}`;
  else if (credentials !== undefined)
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  const secrets = [apiKey, user, password, ...url.searchParams.values()];
  return {
    url: url.href,
    headers,
    shown,
    secrets: secrets.filter((secret) => secret !== undefined && secret !== '') as string[],
  };
}

/** A stray % is a character of the password like others. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

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
    remedy: `Correct ${optionName('model.endpoint')}, or name the authority's certificate in the env variable NODE_EXTRA_CA_CERTS.`,
  });
}
