/** Two answers to one text → one, drafted in turn, and what a click on it needs. */

import { createHash, randomBytes } from 'node:crypto';
import type { GenerationState, ReadState } from '../../ledger/reads/read-state.ts';
import { teamDraft, type Side } from '../../relevance/team-draft.ts';
import type { SearchHit } from '../read-modes.ts';
import { writeCredit, type Credit } from './credit.ts';

export interface InterleaveInput extends Omit<Credit, 'nonce'> {
  text: string;
  k: number;
  key?: string | undefined;
}

export interface InterleavedAnswer {
  hits: SearchHit[];
  counts: 'searches' | 'oneSided';
  credit: { interleaving?: string };
}

export function comparisonOf(
  { base }: ReadState,
  { generation, run }: GenerationState,
): Omit<Credit, 'nonce'> {
  return {
    generation,
    day: new Date().toISOString().slice(0, 10),
    run: run?.id ?? '0',
    against: base.generation === null ? base.mode : `${base.mode}@${base.generation}`,
  };
}

export function interleave(
  answers: Readonly<Record<Side, readonly SearchHit[]>>,
  input: InterleaveInput,
): InterleavedAnswer {
  const keys = { base: answers.base.map(({ key }) => key), own: answers.own.map(({ key }) => key) };
  const drafted = teamDraft(keys, input.k, coinsOf(input));
  const [own, base] = [answers.own, answers.base].map((hits) => new Map(hits.map((hit) => [hit.key, hit])));
  const hits = drafted.map(({ key, side }, at): SearchHit => {
    const both = side === 'base' ? [base, own] : [own, base];
    const passage = both.map((each) => each?.get(key)?.passage).find((each) => each !== undefined);
    return { key, rank: at + 1, distance: null, score: null, ...(passage && { passage }) };
  });
  if (drafted.every(({ side }) => side === null)) return { hits, counts: 'oneSided', credit: {} };
  return { hits, counts: 'searches', credit: { interleaving: writeCredit(input, drafted) } };
}

const ROUNDS_PER_DIGEST = 256;

/**
 * One coin a round. For a key that the caller gave they are the same for the same text all day, so that a page that is
 * loaded again, or goes on with more hits, shows what it showed; tomorrow they are others, so that no habit stands on one
 * throw. Without a key they are thrown for each search: the most frequent text would have one throw for everybody otherwise.
 */
function coinsOf({ key, text, day, run, against }: InterleaveInput): (round: number) => boolean {
  const seed =
    key === undefined ? randomBytes(16).toString('hex') : JSON.stringify([day, run, against, key, text]);
  const digests: Buffer[] = [];
  return (round) => {
    const at = Math.floor(round / ROUNDS_PER_DIGEST);
    const digest = (digests[at] ??= createHash('sha256').update(`draft ${at}\n${seed}`).digest());
    const bit = round % ROUNDS_PER_DIGEST;
    return ((digest.readUInt8(bit >> 3) >> (bit & 7)) & 1) === 1;
  };
}
