/** A server's answer, read up to a limit and checked before any of it is believed. */

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
