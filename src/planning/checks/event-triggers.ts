/**
 * Event triggers of the database meet what a run makes. Where there are any, the same kinds of commands are tried on
 * objects of our own, in a transaction that is rolled back: it locks nothing of the operator's.
 */

import { quoteName } from '../../db/identifiers.ts';
import { ddlRefusal, eventTriggers, rowSecurityForced, showEventTrigger } from '../../db/event-triggers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Pool } from '../../db/pool.ts';
import { openingSql } from '../../db/session-settings.ts';
import { messageOf } from '../../errors.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

const LIMITS = { lockTimeoutMs: 1000, statementTimeoutMs: 20_000 };
const NAME = 'pgvb_trial';
const check = 'event-triggers';

export async function checkEventTriggers(pool: Pool, target: Pick<Target, 'schema'>): Promise<Finding[]> {
  const triggers = await eventTriggers(pool);
  if (triggers.length === 0) return [];
  const named = triggers.map(showEventTrigger).join(', ');
  const { hidden, error } = await attempt(pool, target.schema);
  if (!hidden && error === null)
    return [{ level: 'ok', check, message: `${named}: a trial of what a run makes went through` }];
  const refusal = hidden ? await rowSecurityForced(pool) : await ddlRefusal(pool, error);
  if (refusal !== null)
    return [
      {
        level: 'error',
        check,
        message: refusal.message,
        ...(refusal.remedy === undefined ? {} : { remedy: refusal.remedy }),
      },
    ];
  return [
    {
      level: 'warn',
      check,
      message: `${named}: what a run makes could not be tried (${messageOf(error)})`,
      remedy:
        'Look at the other findings first; or ask what these event triggers do to new schemas, tables, indexes and triggers.',
    },
  ];
}

async function attempt(pool: Pool, schema: string): Promise<{ hidden: boolean; error: unknown }> {
  const client = await pool.connect();
  try {
    await client.query(openingSql(LIMITS, 'own', null, true));
    const present = await client.query<{ present: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = '${LEDGER_SCHEMA}') AS present`,
    );
    if (present.rows[0]?.present !== true) await client.query(`CREATE SCHEMA ${LEDGER_SCHEMA}`);
    const [own, theirs] = [`${LEDGER_SCHEMA}.${NAME}`, `${quoteName(schema)}.${NAME}`];
    await client.query(`CREATE TABLE ${own} (id bigint PRIMARY KEY)`);
    const hidden = await client.query<{ hidden: boolean }>(
      `SELECT pg_catalog.row_security_active('${own}'::pg_catalog.regclass) AS hidden`,
    );
    if (hidden.rows[0]?.hidden === true) return { hidden: true, error: null };
    await client.query(
      `CREATE FUNCTION ${own}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
    );
    await client.query(`CREATE TABLE ${theirs} (id bigint)`);
    await client.query(`ALTER TABLE ${theirs} ADD COLUMN added bigint`);
    await client.query(`CREATE INDEX ON ${theirs} (added)`);
    await client.query(
      `CREATE TRIGGER ${NAME} AFTER INSERT ON ${theirs} FOR EACH ROW EXECUTE FUNCTION ${own}()`,
    );
    return { hidden: false, error: null };
  } catch (error) {
    return { hidden: false, error };
  } finally {
    await client.query('ROLLBACK').catch(() => {});
    client.release();
  }
}
