/** Clicks on interleaved answers, told to the counts of this process. */

import { generationName } from '../../config/values/generation-name.ts';
import { interleavedKey } from '../../ledger/reads/interleaving.ts';
import type { Side } from '../../relevance/team-draft.ts';
import type { StatsBuffer } from '../state/stats-buffer.ts';
import { readCredit } from './credit.ts';

/** Answers whose clicks are known, so that none counts twice: about 2 MB. */
const REMEMBERED = 10_000;
/** A click that comes later is of a page that was left open. */
const MAX_AGE_DAYS = 2;
const DAY_MS = 86_400_000;

interface Clicked {
  keys: Set<string>;
  base: number;
  own: number;
}

type Outcome = 'baseWins' | 'ownWins' | 'ties';
const OUTCOMES: readonly Outcome[] = ['baseWins', 'ties', 'ownWins'];

/** Null before the first click. */
const outcomeOf = ({ base, own }: Clicked): Outcome | null =>
  base + own === 0 ? null : (OUTCOMES[Math.sign(own - base) + 1] ?? null);

export class Clicks {
  readonly #backfill: string;
  readonly #stats: StatsBuffer;
  readonly #answers = new Map<string, Clicked>();

  constructor(backfill: string, stats: StatsBuffer) {
    this.#backfill = backfill;
    this.#stats = stats;
  }

  /** @returns whether it counts: once for each hit of an answer that both searches had a part in. Never throws. */
  clicked(credit: string | undefined, key: string): boolean {
    if (credit === undefined) return false;
    const found = readCredit(credit, key);
    if (found === null || found.side === null || !isOfLately(found.day)) return false;
    const { generation, nonce, side } = found;
    const answer = this.#answers.get(nonce) ?? { keys: new Set(), base: 0, own: 0 };
    if (answer.keys.has(key)) return false;
    answer.keys.add(key);
    const before = outcomeOf(answer);
    answer[side]++;
    this.#remember(nonce, answer);
    const counts = { [clicksOf(side)]: 1 };
    const after = outcomeOf(answer);
    if (before !== after) {
      if (before !== null) counts[before] = -1;
      if (after !== null) counts[after] = 1;
    }
    const name = generationName({ backfill: this.#backfill, generation });
    this.#stats.interleaved(name, interleavedKey(found), counts);
    return true;
  }

  #remember(nonce: string, answer: Clicked): void {
    this.#answers.delete(nonce);
    this.#answers.set(nonce, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > REMEMBERED && oldest !== undefined) this.#answers.delete(oldest);
  }
}

const clicksOf = (side: Side): 'baseClicks' | 'ownClicks' => (side === 'base' ? 'baseClicks' : 'ownClicks');

/** The clock of the process that answered may be ahead of this one's. */
function isOfLately(day: string): boolean {
  const ago = Date.now() - Date.parse(day);
  return ago > -DAY_MS && ago < (MAX_AGE_DAYS + 1) * DAY_MS;
}
