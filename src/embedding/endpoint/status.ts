/** What statuses and headers other than a success mean. */

import { ConfigError } from '../../errors.ts';
import { named, type Address } from './address.ts';
import { said, type Refusal } from './refusal.ts';

/** Try again: time-outs, conflicts, a backend behind the server that failed (424, Text Embeddings Inference), too early. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 409, 424, 425]);
/** llama.cpp says 501 where it was started without embeddings. */
const NOT_IMPLEMENTED = 501;

/** @returns undefined where the same request may succeed later. */
export function statusError(refusal: Refusal, { shown }: Address, model: string): ConfigError | undefined {
  const { status } = refusal;
  if (TRANSIENT.has(status) || (status >= 500 && status !== NOT_IMPLEMENTED)) return undefined;
  const answered = `${shown} answered ${said(refusal)}`;
  if (status < 400)
    return new ConfigError(`${answered}: it sends requests elsewhere, where text and key were not sent.`, {
      code: 'ENDPOINT_REDIRECTS',
      remedy: `Set ${named('modelEndpoint')} to the address at which the server answers itself; look for http in place of https.`,
    });
  if (status === 401 || status === 403)
    return new ConfigError(`${answered}: it does not let this key, or nobody without a key, use the model.`, {
      code: 'ENDPOINT_UNAUTHORIZED',
      remedy: `Check ${named('modelApiKey')}, and that it may use ${model}.`,
    });
  if (status === 402 || status === 429)
    return new ConfigError(`${answered}: the quota of this key is used up.`, {
      code: 'ENDPOINT_QUOTA',
      remedy: `Add to the account's quota or budget, or set another key in ${named('modelApiKey')}.`,
    });
  return new ConfigError(`${answered}: it has no model ${model}, or does not embed at this path.`, {
    code: 'ENDPOINT_NOT_FOUND',
    remedy: `Check ${named('modelName')}, which the server must have loaded for embeddings, and ${named('modelEndpoint')}, to which /embeddings is added.`,
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
