/**
 * The embedder over an OpenAI-compatible server (`POST {endpoint}/embeddings`): Text Embeddings Inference, Ollama, vLLM,
 * llama.cpp, hosted ones. Texts leave this machine, masked where `mask` is given.
 *
 * What cannot be known from here: the server's tokens. `maxTokens` is only a bound in characters, and a server that cuts a
 * long text without a word (as Text Embeddings Inference does with --auto-truncate) gives a vector of its beginning that looks like
 * any other: such a text is not counted as truncated, and the policies `skip` and `fail` do not see it. `mean-of-chunks`
 * therefore does not wait for a complaint; it divides what is likely to be too long. So does `chunks`, which counts a token for
 * every three characters.
 */

import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { optionName } from '../../config/option-name.ts';
import { ConfigError, TransientError } from '../../errors.ts';
import { tryMask, type Mask } from '../../masking/masker.ts';
import { passagesOf } from '../passages/text-passages.ts';
import type { PassageTokens } from '../passages/cut-passages.ts';
import { assertRoom } from '../passages/passage-room.ts';
import {
  emptyEmbeddings,
  addCounts,
  type CutTexts,
  type Embedder,
  type Embeddings,
  type EmbedOptions,
  type TextKind,
} from '../embedder.ts';
import type { LongText } from '../embedding-options.ts';
import { norm, scale } from '../inference/pooling.ts';
import {
  cut,
  EndpointCall,
  type Part,
  type Piece,
  PROBE,
  refusesAll,
  type RequestLimit,
  split,
} from './call.ts';
import { type ClientOptions, EndpointClient, MAX_DIMENSIONS } from './client.ts';
import { endpointFingerprint } from './fingerprint.ts';
import { REAL_TIMING, type Timing } from './pacing.ts';

export interface EndpointOptions extends ClientOptions {
  requestTexts: number;
  normalize: boolean;
  maxTokens: number;
  longText: LongText;
  documentPrefix?: string | undefined;
  queryPrefix?: string | undefined;
  /** Changes with everything that changes what `mask` does. */
  maskVersion: string;
  mask?: ((text: string) => { text: string; counts: Record<string, number> }) | undefined;
  /** Of texts that are cut into passages. */
  chunks?: ChunkOptions | undefined;
}

export interface ChunkOptions {
  /** Of a passage, at most. */
  tokens: number;
  overlap: number;
  /** Of one text, at most. */
  max: number;
  /** Where a text is masked; each mask of it is in `mask` of the same text. */
  find: (text: string) => Mask[];
}

/** As for local models: more characters than this are surely more than `maxTokens` tokens. */
const CHARACTERS_PER_TOKEN = 64;
/** mean-of-chunks: pieces of a text; as many as the local embedder makes at first. */
const MAX_PIECES = 64;
/** mean-of-chunks and chunks: what a token has at least in most languages; English has 4 to 5, and half-filled pieces do less harm than cut ones. */
const PIECE_CHARACTERS_PER_TOKEN = 3;

/**
 * Sends one text to learn the dimensions.
 * @throws ConfigError where address, key, model or dimensions do not fit; TransientError where the server is not there.
 */
export async function openEndpointEmbedder(
  options: EndpointOptions,
  timing: Timing = REAL_TIMING,
): Promise<Embedder> {
  if (options.longText === 'chunks') assertRoom(passageTokens(options));
  const client = new EndpointClient(options, timing);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const dimensions = await probe(client, closing.signal);
  const { normalize, maxTokens, longText, documentPrefix = '', queryPrefix = '', mask } = options;
  const limit: RequestLimit = { texts: options.requestTexts };
  const pieces = {
    'mean-of-chunks': MAX_PIECES,
    chunks: options.chunks?.max ?? 1,
    truncate: 1,
    skip: 1,
    fail: 1,
  };
  const maxCharacters = maxTokens * CHARACTERS_PER_TOKEN * pieces[longText];
  const calls = new Set<Promise<Embeddings>>();

  /** The text as it goes out, in pieces; or the fault that keeps it here. */
  function prepare(text: string, row: number, as: TextKind, result: Embeddings): Piece[] {
    const isMasked = text.trim() === '' || mask === undefined || as === 'passage';
    const masked = isMasked ? undefined : tryMask({ mask }, text);
    if (masked === null) {
      result.faults[row] = 7;
      return [];
    }
    addCounts(result.masked, masked?.counts ?? {});
    const body = masked?.text ?? text;
    if (body.trim() === '') {
      result.faults[row] = 1;
      return [];
    }
    // As long as this, the caller may have cut it already; in any case it is more than the model is to read.
    const long = body.length >= maxCharacters;
    if (long && (longText === 'skip' || longText === 'fail')) {
      result.faults[row] = longText === 'skip' ? 5 : 4;
      return [];
    }
    const whole = { row, from: 0, body: cut(body, maxCharacters), tries: 0, truncated: long };
    if (longText !== 'mean-of-chunks') return [whole];
    const pieces = split(whole, maxTokens * PIECE_CHARACTERS_PER_TOKEN);
    const truncated = long || pieces.length > MAX_PIECES;
    return pieces.slice(0, MAX_PIECES).map((piece) => ({ ...piece, truncated }));
  }

  async function embedTexts(
    texts: readonly string[],
    as: TextKind,
    signal: AbortSignal,
  ): Promise<Embeddings> {
    const count = texts.length;
    const result = emptyEmbeddings(count, dimensions);
    const pieces = texts.flatMap((text, row) => prepare(text, row, as, result));
    const prefix = as === 'query' ? queryPrefix : documentPrefix;
    const parts = await new EndpointCall(client, limit, { longText, prefix, signal }).run(pieces);
    gather(parts, result, dimensions, normalize);
    return result;
  }

  async function embed(
    texts: readonly string[],
    { signal, as = 'document' }: EmbedOptions = {},
  ): Promise<Embeddings> {
    if (signal?.aborted) throw cancelled();
    closing.signal.throwIfAborted();
    // Of this call alone: what ends it is the caller, close(), or the first of its requests that fails for good.
    const ending = new AbortController();
    // A listener for every request that waits; the default limit of ten only guesses at a leak.
    setMaxListeners(0, ending.signal);
    const onAbort = (): void => ending.abort(cancelled());
    const onClose = (): void => ending.abort(closing.signal.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    closing.signal.addEventListener('abort', onClose, { once: true });
    const call = embedTexts(texts, as, ending.signal);
    calls.add(call);
    try {
      return await call;
    } finally {
      ending.abort(cancelled());
      calls.delete(call);
      signal?.removeEventListener('abort', onAbort);
      closing.signal.removeEventListener('abort', onClose);
    }
  }

  async function cutPassages(texts: readonly string[]): Promise<CutTexts> {
    const result: CutTexts = { texts: [], masked: {} };
    const { max, find } = options.chunks ?? { max: 1, find: () => [] };
    const tokens = passageTokens(options);
    for (const text of texts) {
      // On this thread: whatever else there is to do is not held up for longer than by one text.
      await turn();
      const { counts, ...cut } = passagesOf(text, { find }, tokens, max);
      addCounts(result.masked, counts);
      result.texts.push(cut);
    }
    return result;
  }

  return {
    model: options.name,
    dimensions,
    fingerprint: endpointFingerprint(options, dimensions),
    precision: 'remote',
    maxCharacters,
    embed,
    cutPassages,
    async close() {
      closing.abort(new TransientError('The remote embedder is closed.', { code: 'EMBEDDER_CLOSED' }));
      await Promise.allSettled(calls);
    },
  };
}

/** By characters, as the server's tokens are not known. */
function passageTokens({ maxTokens, documentPrefix = '', chunks }: EndpointOptions): PassageTokens {
  const ofPart = (text: string): number => text.length / PIECE_CHARACTERS_PER_TOKEN;
  return {
    max: Math.min(chunks?.tokens ?? maxTokens, maxTokens),
    overlap: chunks?.overlap ?? 0,
    ofPart,
    ofPassage: (text) => ofPart(`${documentPrefix}${text}`),
  };
}

async function probe(client: EndpointClient, signal: AbortSignal): Promise<number> {
  const outcome = await client.send([PROBE], signal);
  if (!('vectors' in outcome)) throw refusesAll(client, outcome);
  const { dimensions } = outcome;
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS || outcome.faults[0] !== 0) {
    throw new ConfigError(
      `The vector that ${client.address.shown} gives of a plain sentence cannot be used: it has ${dimensions} dimensions${outcome.faults[0] === 0 ? '' : ' and components that are not numbers, or all zero'}.`,
      {
        code: 'ENDPOINT_ANSWER_UNUSABLE',
        remedy: `Check that ${optionName('model.name')} is an embedding model that ${optionName('model.endpoint')} serves.`,
      },
    );
  }
  return dimensions;
}

function cancelled(): TransientError {
  return new TransientError('The embedding was cancelled.', { code: 'EMBEDDING_CANCELLED' });
}

/** Puts the vectors of `parts` into the rows of `result`; those of one text are averaged, weighted by their length. */
export function gather(
  parts: readonly Part[],
  result: Embeddings,
  dimensions: number,
  normalize: boolean,
): void {
  // In the order of the text, not of the answers: sums in another order differ in their last digits.
  const sorted = parts.toSorted((a, b) => a.piece.row - b.piece.row || a.piece.from - b.piece.from);
  for (let at = 0; at < sorted.length;) {
    const row = sorted[at]?.piece.row ?? 0;
    let end = at + 1;
    while (sorted[end]?.piece.row === row) end++;
    gatherRow(sorted.slice(at, end), row, result, dimensions, normalize);
    at = end;
  }
}

function gatherRow(
  parts: readonly Part[],
  row: number,
  result: Embeddings,
  dimensions: number,
  normalize: boolean,
): void {
  const fault = parts.find((part) => part.fault !== 0)?.fault ?? 0;
  result.faults[row] = fault;
  result.tokens[row] = parts.reduce((sum, part) => sum + part.tokens, 0);
  result.truncated[row] = parts.some((part) => part.piece.truncated) ? 1 : 0;
  if (fault !== 0) return;
  const target = result.vectors.subarray(row * dimensions, (row + 1) * dimensions);
  if (parts.length === 1 && parts[0] !== undefined) target.set(parts[0].vector);
  else average(parts, target, normalize);
  const length = norm(target);
  if (length === 0) result.faults[row] = 3;
  else if (normalize) scale(target, 1 / length);
}

/** Where vectors are scaled to unit length, those of the parts are too: a long one must not count for more than its text. */
function average(parts: readonly Part[], target: Float32Array, normalize: boolean): void {
  const weights = parts.map(({ piece }) => piece.body.length);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [at, { vector }] of parts.entries()) {
    const factor = (weights[at] ?? 0) / all / (normalize ? norm(vector) : 1);
    for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) + (vector[i] ?? 0) * factor;
  }
}
