/** One file from a model hub: resumed where it broke off, checked, and there under its name only when it is whole. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ReadableStream } from 'node:stream/web';
import { optionName } from '../../config/option-name.ts';
import { ConfigError, TransientError, messageOf, unwritable } from '../../errors.ts';
import { REAL_TIMING, backoffMs, pause, type Timing } from '../endpoint/pacing.ts';

export interface HubFileRequest {
  url: URL;
  /** Sent to the origin of `url` alone, whatever it redirects to. */
  authorization: string | undefined;
  /** Absolute path. */
  target: string;
  signal: AbortSignal;
  /** Bytes there so far and in all; null where the server does not say. */
  onProgress?: (bytes: number, total: number | null) => void;
  timing?: Timing;
  /** Longest silence of the server, ms. */
  stallMs?: number;
}

export interface HubFile {
  bytes: number;
  /** Hex. */
  sha256: string;
  /** Commit that the hub gave it from, where it says so. */
  commit: string | null;
}

const TRIES = 6;
const STALL_MS = 30_000;
const MAX_REDIRECTS = 10;
const MAX_WAIT_SECONDS = 60;

/** What is worth another try. */
class Interrupted extends Error {
  readonly waitSeconds: number | null;
  constructor(message: string, waitSeconds: number | null = null) {
    super(message);
    this.waitSeconds = waitSeconds;
  }
}

export const MODEL_FOLDER_REMEDY = `Give this user the right to write there and the room, or point ${optionName('model.localPath')} to another folder.`;

/**
 * @throws ConfigError `MODEL_NOT_ON_HUB`, `MODEL_HUB_REFUSES` (401, 403), `MODEL_HUB_ANSWER`; TransientError
 * `MODEL_DOWNLOAD` once every try has failed. What has come so far is kept for the next time.
 */
export async function downloadHubFile(request: HubFileRequest): Promise<HubFile> {
  const { timing = REAL_TIMING, signal, url } = request;
  await mkdir(dirname(request.target), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(request);
    } catch (error) {
      signal.throwIfAborted();
      // No try writes where this one could not.
      const fault = unwritable(error, dirname(request.target), MODEL_FOLDER_REMEDY);
      if (fault instanceof ConfigError) throw fault;
      if (attempt >= TRIES)
        throw new TransientError(`${url.href} could not be fetched: ${reasonOf(error)}.`, {
          code: 'MODEL_DOWNLOAD',
          remedy: `Check the network and ${optionName('model.hub')}, then run it again: it goes on where it stopped.`,
          cause: error,
        });
      const asked = error instanceof Interrupted ? error.waitSeconds : null;
      const waitMs = asked === null ? backoffMs(attempt, timing) : Math.min(asked, MAX_WAIT_SECONDS) * 1000;
      await pause(timing, waitMs, signal);
    }
  }
}

async function once(request: HubFileRequest): Promise<HubFile> {
  const part = `${request.target}.part`;
  const tagFile = `${part}.etag`;
  const tag = await readFile(tagFile, 'utf8').catch(() => '');
  const have = tag === '' ? 0 : await sizeOf(part);
  const silence = new AbortController();
  const stallMs = request.stallMs ?? STALL_MS;
  let watch = setTimeout(() => silence.abort(), stallMs);
  const heard = (): void => {
    clearTimeout(watch);
    watch = setTimeout(() => silence.abort(), stallMs);
  };
  try {
    const signal = AbortSignal.any([request.signal, silence.signal]);
    const { response, facts } = await ask(
      request,
      have === 0 ? {} : { range: `bytes=${have}-`, 'if-range': tag },
      signal,
    );
    heard();
    if (response.status === 416) {
      await response.body?.cancel();
      return await restart(part, tagFile, 'what is there already is longer than the file');
    }
    const start = response.status === 206 ? have : 0;
    if (response.status === 206 && rangeStart(response) !== have)
      return await restart(part, tagFile, 'the server resumed at another place');
    const length = response.headers.get('content-length');
    const total = facts.size ?? (length === null ? null : start + Number(length));
    // Without a mark of the version, two halves of different files could be put together.
    await writeFile(tagFile, response.headers.get('etag') ?? '');
    let bytes = start;
    if (response.body === null) throw new Interrupted('the answer has no body');
    const file = await open(part, start === 0 ? 'w' : 'a');
    try {
      // One by one, so that what has come is there when the rest does not come.
      for await (const chunk of response.body as ReadableStream<Uint8Array>) {
        heard();
        await file.writeFile(chunk);
        bytes += chunk.length;
        request.onProgress?.(bytes, total);
      }
    } finally {
      await file.close();
    }
    if (total !== null && bytes < total) throw new Interrupted(`it ended after ${bytes} of ${total} bytes`);
    const sha256 = await sha256Of(part);
    if ((total !== null && bytes > total) || (facts.sha256 !== null && facts.sha256 !== sha256))
      return await restart(part, tagFile, 'what came is not what the hub has');
    await rename(part, request.target);
    await rm(tagFile, { force: true });
    return { bytes, sha256, commit: facts.commit };
  } catch (error) {
    if (silence.signal.aborted && !request.signal.aborted)
      throw new Interrupted(`the server was silent for ${stallMs / 1000} s`);
    throw error;
  } finally {
    clearTimeout(watch);
  }
}

interface HubFacts {
  size: number | null;
  sha256: string | null;
  commit: string | null;
}

/** Follows redirects itself: credentials must not go with them, and the hub says what it knows before it redirects. */
async function ask(
  { url, authorization }: HubFileRequest,
  range: Record<string, string>,
  signal: AbortSignal,
): Promise<{ response: Response; facts: HubFacts }> {
  const facts: HubFacts = { size: null, sha256: null, commit: null };
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(at, {
      redirect: 'manual',
      signal,
      headers: {
        // Lengths and ranges are those of the file itself.
        'accept-encoding': 'identity',
        'user-agent': 'pgvector-backfill',
        ...range,
        ...(authorization !== undefined && at.origin === url.origin ? { authorization } : {}),
      },
    });
    learn(facts, response.headers);
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      const next = new URL(location, at);
      if (at.protocol === 'https:' && next.protocol !== 'https:')
        throw hubAnswer(url, `redirects to ${next.protocol}// without encryption`);
      at = next;
      continue;
    }
    if (response.status !== 200 && response.status !== 206 && response.status !== 416)
      await refuse(response, url);
    return { response, facts };
  }
  throw hubAnswer(url, `redirects more than ${MAX_REDIRECTS} times`);
}

function learn(facts: HubFacts, headers: Headers): void {
  facts.commit ??= headers.get('x-repo-commit');
  const size = headers.get('x-linked-size');
  if (size !== null && /^\d+$/.test(size)) facts.size ??= Number(size);
  const [, sha256 = null] = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(headers.get('x-linked-etag') ?? '') ?? [];
  facts.sha256 ??= sha256;
}

async function refuse(response: Response, url: URL): Promise<never> {
  const { status } = response;
  await response.body?.cancel();
  if (status === 404)
    throw new ConfigError(`${url.href} is not there (404).`, {
      code: 'MODEL_NOT_ON_HUB',
      remedy: `Check ${optionName('model.name')}, ${optionName('model.revision')} and ${optionName('model.hub')}; ${optionName('model.dtype')} decides which graph is fetched, and not every model has every one: fp32 (onnx/model.onnx) is the commonest, then q8 (onnx/model_quantized.onnx).`,
    });
  if (status === 401 || status === 403)
    throw new ConfigError(`The hub refuses ${url.href} (${status}).`, {
      code: 'MODEL_HUB_REFUSES',
      remedy: `Check ${optionName('model.name')}; for a private or gated model accept its terms on the hub and set env HF_TOKEN to a token that may read it.`,
    });
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const wait = Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : null;
  if (status === 429 || status === 408 || status >= 500)
    throw new Interrupted(`the hub answered ${status}`, wait);
  throw hubAnswer(url, `answered ${status}`);
}

const hubAnswer = (url: URL, what: string): ConfigError =>
  new ConfigError(`The hub ${what} at ${url.href}.`, {
    code: 'MODEL_HUB_ANSWER',
    remedy: `Check ${optionName('model.hub')}: it must serve files as huggingface.co does.`,
  });

async function restart(part: string, tagFile: string, why: string): Promise<never> {
  await rm(part, { force: true });
  await rm(tagFile, { force: true });
  throw new Interrupted(why);
}

function rangeStart(response: Response): number | null {
  const [, start] = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '') ?? [];
  return start === undefined ? null : Number(start);
}

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => null))?.size ?? 0;

/** Hex digest of a file, read in chunks. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** fetch says only "fetch failed"; what failed is in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
  return `${messageOf(error)}${cause}`;
}
