/** Where a remote model is, what a request carries to it, and how both are spoken of: without key, password or query. */

import { OPTIONS } from '../../config/options.ts';
import { ConfigError } from '../../errors.ts';

/** `model.endpoint (--model-endpoint, env BACKFILL_MODEL_ENDPOINT, file key model.endpoint)`. */
export function named(option: 'modelEndpoint' | 'modelApiKey' | 'modelDimensions' | 'modelName'): string {
  const { path, flag, env } = OPTIONS[option];
  return `${path} (--${flag}, env ${env}, file key ${path})`;
}

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
    throw invalid('The address of the model is no URL.', `Set ${named('modelEndpoint')}.`);
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
      `Take the user out of ${named('modelEndpoint')}, or unset ${named('modelApiKey')}.`,
    );
  // A line break in it, as of a file that was read whole, cannot be sent.
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw invalid(
      'The key of the model holds white space or characters that no HTTP header can carry.',
      `Look for a line break or a blank in ${named('modelApiKey')}.`,
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
