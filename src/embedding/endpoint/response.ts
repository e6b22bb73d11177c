/** What a server answers: vectors, read up to a limit and checked before any of it is believed, or a refusal, reduced to what may be known of it. */

import { z } from 'zod';
import type { VectorFault } from '../embedder.ts';
import { norm } from '../inference/pooling.ts';

export interface Answer {
  /** texts × dimensions, in the order of the texts. */
  vectors: Float32Array;
  dimensions: number;
  /** Per text: 0, 2 (not finite) or 3 (zero). */
  faults: Uint8Array;
  /** Of the whole request; 0 where the server did not say. */
  tokens: number;
}

/** The answer does not follow the protocol; its message holds nothing of the answer but counts. */
export class UnusableAnswer extends Error {}

const ENVELOPE = z.object({
  // The numbers are looked at below, one by one but without an object for each.
  data: z.array(z.object({ index: z.int(), embedding: z.union([z.string(), z.array(z.unknown())]) })),
  usage: z
    .object({ prompt_tokens: z.number().optional(), total_tokens: z.number().optional() })
    .nullish()
    .catch(undefined),
});

/** Bytes of a component in JSON: sign, 17 digits, exponent, comma, and the blanks of a server that indents. */
const BYTES_PER_COMPONENT = 48;
const BYTES_OF_THE_REST = 1024 * 1024;

/** More cannot be kept (Int32Array), and is nonsense. */
const MAX_TOKENS = 2 ** 31 - 1;

export function maxAnswerBytes(texts: number, dimensions: number): number {
  return BYTES_OF_THE_REST + texts * dimensions * BYTES_PER_COMPONENT;
}

/** @returns null where there is more of it; it counts what comes out of the decompression. */
export async function readBody(response: Response, maxBytes: number): Promise<string | null> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @returns undefined where it is no JSON, as an answer that was cut off. */
export function parseJsonAnswer(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Python's writer puts NaN and Infinity there as they are. As null they are the fault of one text, not of the answer.
    try {
      return JSON.parse(body.replaceAll(/-?\b(NaN|Infinity)\b/g, 'null'));
    } catch {
      return undefined;
    }
  }
}

/** @throws UnusableAnswer. @param dimensions what every vector must have; those of the first where undefined. */
export function readAnswer(json: unknown, count: number, dimensions?: number): Answer {
  const parsed = ENVELOPE.safeParse(json);
  if (!parsed.success) throw new UnusableAnswer('it is not in the form of an embeddings response');
  const { data, usage } = parsed.data;
  if (data.length !== count) throw new UnusableAnswer(`it holds ${data.length} vectors for ${count} texts`);
  const first = data[0]?.embedding ?? [];
  const width = dimensions ?? componentsOf(first);
  const vectors = new Float32Array(count * width);
  const faults = new Uint8Array(count);
  const seen = new Set<number>();
  for (const { index, embedding } of data) {
    if (index < 0 || index >= count || seen.has(index))
      throw new UnusableAnswer('its indexes do not name each text once');
    seen.add(index);
    const components = componentsOf(embedding);
    if (components !== width)
      throw new UnusableAnswer(`a vector has ${components} dimensions where ${width} are expected`);
    const target = vectors.subarray(index * width, (index + 1) * width);
    fill(target, embedding);
    faults[index] = faultOf(target);
  }
  const tokens = usage?.prompt_tokens ?? usage?.total_tokens ?? 0;
  return {
    vectors,
    dimensions: width,
    faults,
    tokens: Number.isInteger(tokens) && tokens > 0 && tokens <= MAX_TOKENS ? tokens : 0,
  };
}

const FLOAT_BYTES = 4;

function componentsOf(embedding: string | readonly unknown[]): number {
  return typeof embedding === 'string'
    ? Buffer.byteLength(embedding, 'base64') / FLOAT_BYTES
    : embedding.length;
}

function fill(target: Float32Array, embedding: string | readonly unknown[]): void {
  if (typeof embedding === 'string') {
    const bytes = Buffer.from(embedding, 'base64');
    // What is no base64 decodes to fewer bytes than its length promised.
    if (bytes.length !== target.length * FLOAT_BYTES) target.fill(Number.NaN);
    else for (let i = 0; i < target.length; i++) target[i] = bytes.readFloatLE(i * FLOAT_BYTES);
    return;
  }
  for (let i = 0; i < target.length; i++) {
    const component = embedding[i];
    target[i] = typeof component === 'number' ? component : Number.NaN;
  }
}

function faultOf(vector: Float32Array): VectorFault {
  const length = norm(vector);
  if (!Number.isFinite(length)) return 2;
  return length === 0 ? 3 : 0;
}

export type Complaint = 'too-long' | 'too-many' | 'other';

export interface Refusal {
  status: number;
  complaint: Complaint;
  /** The server's own short word for it, where it is surely no part of a text or a secret. */
  word: string | undefined;
}

/** More than one sentence is not needed to see what the complaint is, and the rest may be an echo. */
const MESSAGE_CHARACTERS = 500;

/** A shorter text does not push the server's words out of the message, and may be a part of them. */
const ECHO_CHARACTERS = 40;

/** As servers say it of the number of texts: Text Embeddings Inference, DashScope, OpenAI, ApeRAG. */
const TOO_MANY =
  /(?<!physical )batch size|too many (inputs|texts|items)|array.{0,40}(too (long|large)|at most|max)|at most \d+ (inputs|texts|items)/i;
/** As servers say it of one text: OpenAI and vLLM (context length), TEI (less than … tokens), llama.cpp (physical batch size). */
const TOO_LONG =
  /context.{0,3}(length|size|window)|too (long|large)|(less|fewer|more) than \d+ tokens|too many tokens|max(imum)?.{0,20}(tokens|length)|exceed.{0,40}(length|limit|tokens|size)|physical batch size|string_above_max_length/i;

/** Words such as `context_length_exceeded`; no digits, which keys and numbers of persons have. */
const WORD = /^[A-Za-z][A-Za-z_]{2,39}$/;

interface ErrorWords {
  code: unknown;
  type: unknown;
  message: unknown;
}

/** @param texts as sent; what they say must not be taken for the server's words. */
export function readRefusal(
  status: number,
  body: string,
  texts: readonly string[],
  secrets: readonly string[],
): Refusal {
  const { code, type, message } = errorWords(body);
  const word = [code, type].find(
    (word) => typeof word === 'string' && mayBeShown(word, [...texts, ...secrets]),
  );
  let said = [code, type, message].filter((part) => typeof part === 'string').join(' ');
  for (const text of texts) {
    if (text.length >= ECHO_CHARACTERS || TOO_LONG.test(text) || TOO_MANY.test(text))
      said = said.replaceAll(text, ' ');
  }
  said = said.slice(0, MESSAGE_CHARACTERS);
  return { status, complaint: complaintOf(status, said, texts.length), word: word as string | undefined };
}

function complaintOf(status: number, said: string, texts: number): Complaint {
  if (texts > 1 && TOO_MANY.test(said)) return 'too-many';
  // A proxy's 413 says it by its status, in a page of HTML.
  return status === 413 || TOO_LONG.test(said) ? 'too-long' : 'other';
}

/** OpenAI: `{error: {…}}`; TEI and older vLLM: the fields on top; Ollama's own: `{error: "…"}`; FastAPI: `{detail: …}`. */
function errorWords(body: string): ErrorWords {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { code: undefined, type: undefined, message: undefined };
  }
  const top = fields(json);
  const inner = fields(top['error']);
  const detail = Array.isArray(top['detail']) ? fields(top['detail'][0])['msg'] : top['detail'];
  return {
    code: inner['code'] ?? top['code'],
    type: inner['type'] ?? top['type'] ?? top['error_type'],
    message: inner['message'] ?? top['message'] ?? detail ?? top['error'],
  };
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A server may put any part of what it was sent into any field. */
function mayBeShown(word: string, hidden: readonly string[]): boolean {
  const lower = word.toLowerCase();
  return (
    WORD.test(word) &&
    hidden.every((part) => {
      const other = part.trim().toLowerCase();
      return other === '' || (!other.includes(lower) && !lower.includes(other));
    })
  );
}

/** `400 (invalid_request_error)`. */
export function describeRefusal({ status, word }: Refusal): string {
  return word === undefined ? String(status) : `${status} (${word})`;
}
