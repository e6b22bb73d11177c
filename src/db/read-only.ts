/** A database that takes no writes: a standby, or one that a provider has set to read-only because its disk is full. */

import { optionName } from '../config/option-name.ts';
import { TransientError } from '../errors.ts';
import type { Queryable } from './pool.ts';

export interface ReadOnly {
  /** One sentence, the same wherever it is shown. */
  message: string;
  remedy: string;
}

/**
 * default_transaction_read_only as a new session would have it: one that is there already keeps what a database or a role
 * had set when it began, for as long as it lasts. What stands in the server's configuration every session follows.
 */
const DEFAULT_SQL = `SELECT coalesce(
    (SELECT pg_catalog.substr(c.setting, 31)::boolean FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS c (setting)
      WHERE pg_catalog.starts_with(c.setting, 'default_transaction_read_only=')
        AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
        AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user))
      ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1),
    p.source NOT IN ('database', 'user', 'database user', 'global') AND p.setting::boolean)
  FROM pg_catalog.pg_settings p WHERE p.name = 'default_transaction_read_only'`;

/** Null where it takes writes. As a new session would find it. */
export async function readOnlyReason(db: Queryable): Promise<ReadOnly | null> {
  const found = await db.query<{ standby: boolean; readonly: boolean }>(
    `SELECT pg_catalog.pg_is_in_recovery() AS standby, (${DEFAULT_SQL}) AS readonly`,
  );
  const { standby = false, readonly = false } = found.rows[0] ?? {};
  if (standby)
    return {
      message: 'The database takes no writes: this server is a standby.',
      remedy: `Point ${optionName('database.url')} to the primary.`,
    };
  if (readonly)
    return {
      message:
        'The database takes no writes: default_transaction_read_only is on, as providers set it where the disk is full.',
      remedy:
        'Make room as the provider says, or take the setting back (ALTER DATABASE … RESET default_transaction_read_only); workers wait meanwhile and go on by themselves.',
    };
  return null;
}

export const readOnlyError = ({ message, remedy }: ReadOnly, cause: unknown): TransientError =>
  new TransientError(message, { code: 'READ_ONLY', remedy, cause });
