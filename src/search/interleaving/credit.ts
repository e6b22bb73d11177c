/** What an interleaved answer carries, so that a click on one of its hits is credited by any process that it comes to. */

import { createHash, randomBytes } from 'node:crypto';
import { SIDES, type Drafted, type Side } from '../../relevance/team-draft.ts';
import { interleavedKey, parseInterleavedKey, type Interleaved } from '../../ledger/reads/interleaving.ts';

export interface Credit extends Interleaved {
  generation: number;
  /** Of this answer alone. */
  nonce: string;
}

const NONCE_BYTES = 9;
/** Of a key within its answer: two of a thousand hits share one once in ten million answers. */
const DIGEST_BYTES = 5;
const HIT_BYTES = DIGEST_BYTES + 1;
/** The longest text that is looked into: of 1000 hits, and more. */
const MAX_CHARACTERS = 10_000;
const VERSION = '1';

const digestOf = (nonce: string, key: string): Buffer =>
  createHash('sha256').update(`${nonce}\n${key}`).digest();

/** The last bit of the digest hides the side from an eye that meets the text, not from one that computes. */
const veil = (digest: Buffer, side: number): number => digest.readUInt8(DIGEST_BYTES) ^ side;

/** Hits that count for neither side are not in it. */
export function writeCredit(of: Omit<Credit, 'nonce'>, drafted: readonly Drafted[]): string {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  const hits = drafted.flatMap(({ key, side }) => {
    if (side === null) return [];
    const digest = digestOf(nonce, key);
    return [Buffer.concat([digest.subarray(0, DIGEST_BYTES), Buffer.of(veil(digest, SIDES.indexOf(side)))])];
  });
  const head = Buffer.from(interleavedKey(of)).toString('base64url');
  return [VERSION, of.generation, head, nonce, Buffer.concat(hits).toString('base64url')].join('.');
}

/** Null where it is no such text; `side` null where the hit is none of the answer's, or counts for neither. */
export function readCredit(text: string, key: string): (Credit & { side: Side | null }) | null {
  if (typeof text !== 'string' || text.length > MAX_CHARACTERS) return null;
  const [version, generation = '', head = '', nonce = '', hits = '', more] = text.split('.');
  if (version !== VERSION || more !== undefined || !/^[1-9]\d{0,5}$/.test(generation)) return null;
  if (!/^[\w-]{12}$/.test(nonce)) return null;
  const of = parseInterleavedKey(Buffer.from(head, 'base64url').toString());
  if (of === null) return null;
  const digest = digestOf(nonce, key);
  const all = Buffer.from(hits, 'base64url');
  for (let at = 0; at + HIT_BYTES <= all.length; at += HIT_BYTES) {
    if (!all.subarray(at, at + DIGEST_BYTES).equals(digest.subarray(0, DIGEST_BYTES))) continue;
    const side = SIDES[veil(digest, all.readUInt8(at + DIGEST_BYTES)) & 1] as Side;
    return { ...of, generation: Number(generation), nonce, side };
  }
  return { ...of, generation: Number(generation), nonce, side: null };
}
