/** Counts of what was written are held against what was meant: a statement that raises nothing need not have done it. */

import { BackfillError } from '../../errors.ts';

export function assertWritten(what: string, meant: number, written: number | null): void {
  if (written === meant) return;
  throw new BackfillError(`${what}: ${meant} rows were meant and ${written ?? 0} written.`, {
    code: 'WRITE_LOST',
    remedy: 'Look for triggers, rules and policies on the tables of this tool; there should be none.',
  });
}
