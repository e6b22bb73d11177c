/** What `cutover`, `rollback`, `complete` and `abandon` print and emit alike: what would be done, and whether it was. */

import { generationName, showGeneration } from '../config/values/generation-name.ts';
import { EXIT } from './exit-codes.ts';
import type { Invocation } from './command.ts';

export interface Change {
  action: 'cutover' | 'rollback' | 'complete' | 'abandon';
  backfill: string;
  /** Of which it is; absent where it is of the whole backfill. */
  generation?: number;
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

/** Prints the plan and what became of it. @returns exit code 0 */
export function tell(invocation: Invocation, change: Change & Record<string, unknown>): number {
  invocation.emit(change);
  const { action, backfill, generation = 1, from, to } = change;
  // Of what is dropped, also the first one has its number said.
  const shown =
    to === 'dropped'
      ? `${backfill}, generation ${generation}`
      : showGeneration(generationName({ backfill, generation }));
  invocation.say(`${action} of ${shown}: ${from} → ${to}`);
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
