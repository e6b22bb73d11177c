/** Event triggers of the database, which meet DDL of ours: one may refuse it, or do something of its own to what it makes. */

import { BackfillError, ConfigError } from '../errors.ts';
import type { Queryable } from './pool.ts';

export interface EventTrigger {
  name: string;
  /** Such as ddl_command_start. */
  event: string;
  /** Without its schema. */
  function: string;
  /** Of the commands that it is for; null for all. */
  tags: string[] | null;
}

/** Those that fire for a session like ours. */
export async function eventTriggers(db: Queryable): Promise<EventTrigger[]> {
  const found = await db.query<EventTrigger>(
    `SELECT e.evtname::text AS name, e.evtevent::text AS event, p.proname::text AS function, e.evttags AS tags
       FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid
      WHERE e.evtenabled IN ('O', 'A') AND e.evtevent <> 'login' ORDER BY e.evtname`,
  );
  return found.rows;
}

/** `auto_rls (ddl_command_end, function auto_rls)` */
export const showEventTrigger = ({ name, event, function: called }: EventTrigger): string =>
  `${name} (${event}, function ${called})`;

export const DDL_REFUSED = 'DDL_REFUSED';

/**
 * What an event trigger has raised, with whom to ask; null where the error is of something else. The server names the
 * function in the error's context, whatever its language.
 * @param db not the connection that has failed
 */
export async function ddlRefusal(db: Queryable, error: unknown): Promise<ConfigError | null> {
  const { where } = (typeof error === 'object' && error !== null ? error : {}) as { where?: unknown };
  if (error instanceof BackfillError || typeof where !== 'string') return null;
  const triggers = await eventTriggers(db).catch(() => []);
  const trigger = triggers.find(
    (each) => where.includes(`${each.function}(`) || where.includes(`${each.function}"(`),
  );
  return trigger === undefined ? null : refusedBy(trigger, error);
}

/** Row-level security that nobody of ours has asked for: what was made under it could not be written. */
export async function rowSecurityForced(db: Queryable, cause?: unknown): Promise<ConfigError> {
  const meeting = (await eventTriggers(db)).filter(
    ({ event, tags }) => event === 'ddl_command_end' && (tags === null || tags.includes('CREATE TABLE')),
  );
  const by = meeting.length === 0 ? '' : `, by event trigger ${meeting.map(showEventTrigger).join(' or ')}`;
  return new ConfigError(
    `Row-level security applies to new tables as soon as they are made${by}: ledger and staging table could not be written.`,
    {
      code: 'ROW_SECURITY_FORCED',
      remedy:
        'Ask whoever looks after the database to leave schema pgvector_backfill out in that function, or connect as a role with BYPASSRLS.',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

const refusedBy = (trigger: EventTrigger, error: unknown): ConfigError =>
  new ConfigError(
    // Whole: DDL of ours has no values of rows in it.
    `Event trigger ${showEventTrigger(trigger)} refuses our DDL: ${(error as Error).message.replace(/\.$/, '')}.`,
    {
      code: DDL_REFUSED,
      remedy: `Ask whoever looks after the database to let this role through in that function, or to disable it meanwhile (ALTER EVENT TRIGGER ${trigger.name} DISABLE); then do the same again (\`pgvector-backfill finalize\` where a worker was to build the index).`,
      cause: error,
    },
  );
