/** Which of several servers, or ways to one, is taken: remembered for the process until a connection to it fails. */

import { ConfigError } from '../../errors.ts';
import { SQLSTATE, codeOf, hasSqlState } from '../sqlstates.ts';
import type { Attempt, ConnectPlan } from './connect-plan.ts';

const known = new Map<string, Promise<Attempt>>();

export const forget = (url: string): boolean => known.delete(url);

/** @param tries one of them, and tells whether it is what is asked for. @throws the fault of the last one, or all of them */
export function chosen(
  url: string,
  plan: ConnectPlan,
  tries: (attempt: Attempt) => Promise<boolean>,
): Promise<Attempt> {
  const before = known.get(url);
  if (before !== undefined) return before;
  const choice = choose(plan, tries);
  known.set(url, choice);
  choice.catch(() => forget(url));
  return choice;
}

async function choose(
  { attempts, kind }: ConnectPlan,
  tries: (attempt: Attempt) => Promise<boolean>,
): Promise<Attempt> {
  const faults: unknown[] = [];
  let second: Attempt | null = null;
  for (const attempt of attempts) {
    try {
      if (await tries(attempt)) return attempt;
      second ??= attempt;
    } catch (error) {
      faults.push(error);
      if (!goesOn(error)) throw error;
    }
  }
  if (second !== null && kind === 'prefer-standby') return second;
  if (second !== null)
    throw new ConfigError(`None of the servers is what target_session_attrs=${kind} asks for.`, {
      code: 'CONNECTION_PARAMETER',
      remedy: 'Correct the hosts or target_session_attrs; a server that is taking over may need a moment.',
    });
  if (faults.length === 1) throw faults[0];
  throw new AggregateError(faults, '');
}

/**
 * As libpq has it: one that cannot be reached, is starting, or takes no such encryption leads to the next; a wrong password
 * does not, as it would be shown to every server.
 */
function goesOn(error: unknown): boolean {
  if (error instanceof ConfigError) return false;
  // pg_hba.conf may take the other encryption alone.
  if (hasSqlState(error, SQLSTATE.invalidAuthorization, SQLSTATE.cannotConnectNow)) return true;
  const code = codeOf(error);
  return code === undefined || !/^[0-9A-Z]{5}$/.test(code) || !/\d/.test(code);
}
