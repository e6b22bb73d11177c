/** A role that owns the table and nothing else: an administrator runs what `doctor --grants` prints, and all of it works. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBackfill, REPEATED_TEXTS, type TestBackfill } from '../setup/backfill.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { hasPostgres } from '../setup/databases.ts';
import { limitedRole, type LimitedRole } from '../setup/limited-role.ts';
import { sampleModel } from '../setup/model.ts';
import { drainChanges, expectSynced } from '../setup/synced.ts';

const ROWS = 60;

describe.runIf(hasPostgres())('rights of the table alone', () => {
  let limited: LimitedRole;
  let backfill: TestBackfill;
  beforeEach(async () => {
    // Jobs are in the same database, where the role has no right either.
    limited = await limitedRole();
    backfill = await openBackfill(limited.database, sampleModel(), {
      ...REPEATED_TEXTS,
      BACKFILL_TABLE: 'shop.docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '20',
      BACKFILL_SYNC_SECONDS: '1',
      BACKFILL_LEGACY_SEARCH: `SELECT id FROM shop.docs WHERE body ILIKE '%' || $1 || '%' LIMIT $2`,
    });
    await limited.admin('CREATE SCHEMA shop');
  });
  afterEach(async () => {
    await backfill.close();
    await limited.drop();
  });

  const verb = (name: string, ...args: string[]): Promise<CommandResult> =>
    runCommand(name, args, backfill.env);
  const done = async (name: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await verb(name, ...args);
    expect({ name, code, stderr: code === 0 ? '' : stderr + stdout }).toEqual({ name, code: 0, stderr: '' });
    return stdout;
  };
  interface Printed {
    grants: { sql: string; where: string; optional: boolean }[];
    notes: string[];
  }
  const grants = async (): Promise<Printed> =>
    JSON.parse(await done('doctor', '--grants', '--json')) as Printed;
  const required = async (): Promise<string[]> =>
    (await grants()).grants.filter(({ optional }) => !optional).map(({ sql }) => sql);
  const makeDocs = (owner: string): Promise<void> =>
    limited.admin(
      `CREATE TABLE shop.docs (id bigint PRIMARY KEY, body text); ALTER TABLE shop.docs OWNER TO ${owner};
       INSERT INTO shop.docs SELECT n, 'bread dough and yeast ' || n FROM generate_series(1, ${ROWS}) n`,
    );

  it('goes all the way and back, after the very statements that are printed', async () => {
    const { role, admin } = limited;
    await makeDocs(role);
    const before = await verb('doctor', '--json');
    expect(before.code).toBe(3);
    expect(before.stdout).toContain('pgvector-backfill doctor --grants');
    expect(await required()).toEqual([
      'CREATE EXTENSION IF NOT EXISTS vector SCHEMA "public"',
      `GRANT USAGE ON SCHEMA "public" TO ${role}`,
      `GRANT USAGE, CREATE ON SCHEMA "shop" TO ${role}`,
      `CREATE SCHEMA pgvector_backfill AUTHORIZATION ${role}`,
      `CREATE SCHEMA bullmq AUTHORIZATION ${role}`,
      `GRANT TEMPORARY ON DATABASE ${new URL(limited.database.databaseUrl).pathname.slice(1)} TO ${role}`,
    ]);
    // As it stands, comments included, by somebody who is not on the role's search path.
    const script = await done('doctor', '--grants');
    expect(script).toContain(`-- GRANT pg_monitor TO ${role}; -- workers see`);
    await admin(script);
    expect(await done('doctor', '--grants')).toContain(`-- Role ${role} has all rights that a run needs.`);

    await done('enqueue');
    expect(await backfill.work()).toMatchObject({ state: 'ready', reason: '' });
    expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS });
    await backfill.pool.query(`UPDATE shop.docs SET body = 'soup in the garden' WHERE id = 7`);
    expect(await backfill.account()).toMatchObject({ stale: 1 });
    await drainChanges(backfill);
    await expectSynced(backfill);
    await done('finalize');
    await done('verify');
    await done('cutover', '--to', 'vector', '--execute');
    await done('rollback', '--execute');
    await done('cutover', '--to', 'vector', '--execute');
    await done('complete', '--execute');
    expect((await backfill.run()).state).toBe('completed');

    // The schema that it could not make again stays, as the administrator made it.
    expect(await verb('rollback', '--to-legacy-schema', '--execute')).toMatchObject({ code: 0 });
    const left = await backfill.pool.query<{ n: number; owner: string }>(
      `SELECT (SELECT count(*)::int FROM pg_class WHERE relnamespace = n.oid) AS n, n.nspowner::regrole::text AS owner FROM pg_namespace n WHERE n.nspname = 'pgvector_backfill'`,
    );
    expect(left.rows).toEqual([{ n: 0, owner: role }]);
    expect(await required()).toEqual([]);
  });
});
