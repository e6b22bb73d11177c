/** Statements that wait for the test, so that a kill falls where it is meant to. */

import pg from 'pg';
import { until } from './until.ts';

const LOCK = 42;

/** Statements of this kind, such as `UPDATE OF body`, wait until the session that this returns lets go. */
export async function holdAt(
  env: Readonly<Record<string, string>>,
  when: string,
  table: string,
): Promise<pg.Client> {
  const holder = new pg.Client({ connectionString: env['DATABASE_URL'] });
  await holder.connect();
  await holder.query('SELECT pg_advisory_lock($1)', [LOCK]);
  await holder.query(`CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
      PERFORM pg_advisory_xact_lock_shared(${LOCK}); RETURN NEW; END $f$`);
  await holder.query(`CREATE TRIGGER held BEFORE ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION held()`);
  return holder;
}

export async function untilHeld(holder: pg.Client): Promise<void> {
  await until('somebody waits for the lock of the test', async () => {
    const { rowCount } = await holder.query(
      `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    return rowCount !== 0;
  });
}

/** The trigger stays, and holds nobody from then on. */
export async function letGo(holder: pg.Client): Promise<void> {
  await holder.query('SELECT pg_advisory_unlock($1)', [LOCK]);
  await holder.end();
}
