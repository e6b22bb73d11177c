/** One call of embed() over a remote model: its texts shared out to requests, requests halved, and what becomes of a text that is refused. */

import { optionName } from '../../config/option-name.ts';
import { ConfigError, TransientError } from '../../errors.ts';
import type { VectorFault } from '../embedder.ts';
import type { LongText } from '../embedding-options.ts';
import { type EndpointClient, UNAVAILABLE } from './client.ts';
import { type Answer, type Refusal, describeRefusal } from './response.ts';

/** What comes of a piece: a vector or a fault. */
export interface Part {
  piece: Piece;
  vector: Float32Array;
  tokens: number;
  fault: VectorFault;
}

export interface CallOptions {
  longText: LongText;
  prefix: string;
  signal: AbortSignal;
}

/** Most texts of a request; lowered for good when the server says that it takes fewer. */
export interface RequestLimit {
  texts: number;
}

/** What any model embeds; by it a server that refuses one text is told from one that refuses everything. */
export const PROBE = 'The quick brown fox jumps over the lazy dog.';

/** Halvings of a text until it is accepted: of the longest that is read (64 × 8192 characters) a few words are left. */
const MAX_CUTS = 16;
/** Halvings of a piece of a text: 64 pieces of it. */
const MAX_SPLITS = 6;
/** Failed tries after the first, of a part of a request that has failed. */
const HALF_RETRIES = 1;
/** Texts of one call that the server may fail on before it counts as out of order. */
const MAX_BLAMED = 16;

export class EndpointCall {
  readonly #client: EndpointClient;
  readonly #limit: RequestLimit;
  readonly #options: CallOptions;
  readonly #parts: Part[] = [];
  /** Texts on which the server failed. */
  #blamed = 0;

  constructor(client: EndpointClient, limit: RequestLimit, options: CallOptions) {
    this.#client = client;
    this.#limit = limit;
    this.#options = options;
  }

  /** @returns a part for every piece, or for the pieces that one was divided into; in no order. */
  async run(pieces: readonly Piece[]): Promise<Part[]> {
    await this.#askAll(requestBatches(pieces, this.#limit.texts));
    return this.#parts;
  }

  async #askAll(batches: readonly (readonly Piece[])[]): Promise<void> {
    await Promise.all(batches.map((batch) => this.#ask(batch)));
  }

  /** `retries`: as many as the client makes where absent. */
  async #ask(batch: readonly Piece[], retries?: number): Promise<void> {
    const texts = batch.map(({ body }) => this.#options.prefix + body);
    const outcome = await this.#client.send(texts, this.#options.signal, retries).catch((error: unknown) => {
      if (error instanceof TransientError && error.code === UNAVAILABLE) return error;
      throw error;
    });
    if (outcome instanceof TransientError) await this.#failed(batch, outcome);
    else if ('vectors' in outcome) this.#keep(batch, texts, outcome);
    else if (batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      // Every later batch would be refused once, too.
      if (outcome.complaint === 'too-many') this.#limit.texts = Math.min(this.#limit.texts, half);
      await this.#askAll([batch.slice(0, half), batch.slice(half)]);
    } else if (batch[0] !== undefined) await this.#refused(batch[0], outcome);
  }

  #keep(
    batch: readonly Piece[],
    texts: readonly string[],
    { vectors, dimensions, faults, tokens }: Answer,
  ): void {
    const shares = spread(
      tokens,
      texts.map((text) => text.length),
    );
    for (const [at, piece] of batch.entries()) {
      this.#parts.push({
        piece,
        vector: vectors.subarray(at * dimensions, (at + 1) * dimensions),
        tokens: shares[at] ?? 0,
        fault: (faults[at] ?? 0) as VectorFault,
      });
    }
  }

  async #refused(piece: Piece, refusal: Refusal): Promise<void> {
    if (piece.tries === 0) await this.#assertWorking(refusal);
    const { longText } = this.#options;
    if (refusal.complaint !== 'too-long') return this.#fault(piece, 6);
    if (longText === 'skip') return this.#fault(piece, 5);
    if (longText === 'fail') return this.#fault(piece, 4);
    const half = Math.ceil(piece.body.length / 2);
    const tries = piece.tries + 1;
    // A passage has no passages of its own.
    if (longText === 'truncate' || longText === 'chunks') {
      // Always by half, not by what the server took before: a vector must not depend on the texts that went ahead.
      const body = cut(piece.body, half);
      if (tries > MAX_CUTS || body.length === piece.body.length || body.trim() === '')
        return this.#fault(piece, 6);
      return this.#ask([{ ...piece, body, tries, truncated: true }]);
    }
    const halves = split(piece, half);
    if (tries > MAX_SPLITS || halves.length < 2) return this.#fault(piece, 6);
    return this.#askAll(halves.map((half) => [{ ...half, tries }]));
  }

  /**
   * A server that fails on one text (a vector that is not a number, a backend that it brings down) says so in the words of
   * an outage, each time. It is none where a plain sentence is answered at that very moment.
   */
  async #failed(batch: readonly Piece[], error: TransientError): Promise<void> {
    const { signal } = this.#options;
    const outcome = await this.#client.send([PROBE], signal, 0).catch(() => error);
    signal.throwIfAborted();
    if (!('vectors' in outcome)) throw error;
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      // So many texts are not to blame.
      if (++this.#blamed > MAX_BLAMED) throw error;
      this.#fault(only, 6);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    const halves = [batch.slice(0, half), batch.slice(half)];
    // The last one standing has all its tries; before that, a half that fails by chance only costs another halving.
    await Promise.all(halves.map((each) => this.#ask(each, each.length === 1 ? undefined : HALF_RETRIES)));
  }

  #fault(piece: Piece, fault: VectorFault): void {
    this.#parts.push({ piece, vector: new Float32Array(0), tokens: 0, fault });
  }

  /** A budget that ended or a model that was unloaded may have the status of a bad text; the rows are not to blame for it. */
  async #assertWorking(refusal: Refusal): Promise<void> {
    const outcome = await this.#client.send([PROBE], this.#options.signal);
    if (!('vectors' in outcome)) throw refusesAll(this.#client, refusal);
  }
}

export function refusesAll({ address }: EndpointClient, refusal: Refusal): ConfigError {
  return new ConfigError(`${address.shown} answered ${describeRefusal(refusal)}: it refuses every text.`, {
    code: 'ENDPOINT_REFUSES',
    remedy: `Check that ${optionName('model.name')} is an embedding model that ${optionName('model.endpoint')} serves, that it offers the dimensions of ${optionName('model.dimensions')} where those are given, and the server's own log.`,
  });
}

export interface Piece {
  /** Index of the text that it is of. */
  row: number;
  /** Where it begins in that text: its place among the text's other pieces. */
  from: number;
  body: string;
  /** How often it was shortened or divided because the server said that it is too long. */
  tries: number;
  truncated: boolean;
}

/** A request of more is likely to meet a proxy's or server's limit on the body (413), and a time-out loses all of it. */
const REQUEST_CHARACTERS = 256 * 1024;

/** Shortest first, so that texts of similar length are padded together; at most `maxTexts` and REQUEST_CHARACTERS, or one text. */
export function requestBatches(pieces: readonly Piece[], maxTexts: number): Piece[][] {
  const sorted = pieces.toSorted((a, b) => a.body.length - b.body.length || a.row - b.row || a.from - b.from);
  const batches: Piece[][] = [];
  let batch: Piece[] = [];
  let characters = 0;
  for (const piece of sorted) {
    const full = batch.length >= maxTexts || characters + piece.body.length > REQUEST_CHARACTERS;
    if (batch.length > 0 && full) {
      batches.push(batch);
      batch = [];
      characters = 0;
    }
    batch.push(piece);
    characters += piece.body.length;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** The first `most` characters, less one where that would leave half of a character behind. */
export function cut(text: string, max: number): string {
  const last = text.charCodeAt(max - 1);
  const splits = text.length > max && last >= 0xd8_00 && last <= 0xdb_ff;
  return text.slice(0, splits ? max - 1 : max);
}

/**
 * Pieces of at most `most` characters, at white space where there is some in the last fifth; none of them blank.
 * Together they are the text.
 */
export function split(piece: Piece, max: number): Piece[] {
  const { body } = piece;
  const pieces: Piece[] = [];
  for (let at = 0; at < body.length;) {
    let part = cut(body.slice(at, at + max + 1), max);
    if (at + part.length < body.length) {
      const blank = Math.max(part.lastIndexOf(' '), part.lastIndexOf('\n'));
      if (blank + 1 > max * 0.8) part = part.slice(0, blank + 1);
    }
    // A single character of two halves, where one is all that is allowed.
    if (part === '') part = body.slice(at, at + 2);
    if (part.trim() !== '') pieces.push({ ...piece, from: piece.from + at, body: part });
    at += part.length;
  }
  return pieces;
}

/** Whole numbers in proportion to the lengths that add up to `total`: a server counts tokens per request. */
export function spread(total: number, lengths: readonly number[]): number[] {
  const all = lengths.reduce((sum, length) => sum + length, 0);
  let before = 0;
  let sofar = 0;
  return lengths.map((length) => {
    sofar += length;
    const until = all === 0 ? 0 : Math.round((total * sofar) / all);
    const share = until - before;
    before = until;
    return share;
  });
}
