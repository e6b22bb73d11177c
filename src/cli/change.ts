/** What `cutover`, `rollback`, `complete` and `abandon` print and emit alike: what would be done, and whether it was. */

import { generationName, showGeneration } from '../config/values/generation-name.ts';
import { EXIT } from './exit-codes.ts';
import type { Invocation } from './command.ts';

export interface Change {
  action: 'cutover' | 'rollback' | 'complete' | 'abandon';
  backfill: string;
  /** Of which it is; absent where it is of the whole backfill, null where it is of the legacy search. */
  generation?: number | null;
  from: string;
  to: string;
  executed: boolean;
  /** One line each; empty where there is nothing to do. */
  plan: string[];
  /** What to know before. */
  notes: string[];
  /** Why, by the operator; or why it is refused. */
  reason: string;
}

export const reasonOf = ({ flags }: Invocation, name = 'reason'): string => {
  const given = flags[name];
  return typeof given === 'string' ? given.trim() : '';
};

export interface Words {
  of: string;
  from: string;
  to: string;
}

function wordsOf({ backfill, generation, from, to }: Change): Words {
  const name = generationName({ backfill, generation: generation ?? 1 });
  // Of what is dropped, also the first one has its number said.
  const of = to === 'dropped' ? `${backfill}, generation ${generation ?? 1}` : showGeneration(name);
  return { of, from, to };
}

/** Prints the plan and what became of it. @param words for people, where more is to be said than is typed. @returns exit code 0 */
export function tell(
  invocation: Invocation,
  change: Change & Record<string, unknown>,
  { of, from, to }: Words = wordsOf(change),
): number {
  invocation.emit(change);
  invocation.say(`${change.action} of ${of}: ${from} → ${to}`);
  for (const line of change.plan) invocation.say(`  ${line}`);
  if (change.plan.length === 0) invocation.say('  nothing to do');
  for (const note of change.notes) invocation.say(`  note: ${note}`);
  invocation.say(change.executed ? 'Done.' : 'Nothing was changed; --execute does it.');
  return EXIT.done;
}

/** The same where a gate says no: with the reason as an error, exit code 3. */
export function refuse(
  invocation: Invocation,
  change: Change & Record<string, unknown>,
  error: { code: string; remedy: string },
): number {
  invocation.emit({ ...change, error: { ...error, message: change.reason } });
  for (const line of change.plan) invocation.say(`  ${line}`);
  invocation.warn(`error ${error.code}: ${change.reason}\n${error.remedy}`);
  return EXIT.gate;
}
