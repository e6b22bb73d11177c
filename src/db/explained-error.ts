/** What the server refused for a reason of its own, in the sentence that helps; any other error as it comes. */

import { messageOf } from '../errors.ts';
import { ddlRefusal } from './event-triggers.ts';
import type { Pool } from './pool.ts';
import { readOnlyError, readOnlyReason } from './read-only.ts';
import { SQLSTATE, hasSqlState } from './sqlstates.ts';

export async function explainedByServer(pool: Pool, error: unknown): Promise<unknown> {
  if (hasSqlState(error, SQLSTATE.readOnly)) {
    const reason = await readOnlyReason(pool).catch(() => null);
    // It may have been promoted meanwhile.
    const words = {
      message: `The database took no writes: ${messageOf(error)}.`,
      remedy: 'Run the same command again.',
    };
    return readOnlyError(reason ?? words, error);
  }
  return (await ddlRefusal(pool, error).catch(() => null)) ?? error;
}
