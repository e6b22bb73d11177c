/** Who does something, for the event log. */

import { hostname, userInfo } from 'node:os';
import type { Queryable } from '../db/pool.ts';

/** `role (user@host)`: the database's name for them and the system's. */
export async function currentUser(db: Queryable): Promise<string> {
  const found = await db.query<{ role: string }>('SELECT current_user::text AS role');
  return `${found.rows[0]?.role ?? '?'} (${systemUser()}@${hostname()})`;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return String(process.getuid?.() ?? '?');
  }
}
