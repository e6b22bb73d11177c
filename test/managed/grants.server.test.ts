/** What `doctor --grants` prints for roles and schemas of each kind, run by an administrator, and a run after it. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Pool } from '../../src/db/pool.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { prepareQueue } from '../../src/queue/connection.ts';
import { applyDdl } from '../../src/planning/ddl.ts';
import { applyCapture } from '../../src/sync/capture.ts';
import { missingGrants, type MissingGrants } from '../../src/planning/grants/missing-grants.ts';
import { hasPostgres } from '../setup/databases.ts';
import { openShop, limitedRole, type LimitedRole } from '../setup/limited-role.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';

const ROWS = 12;

describe.runIf(hasPostgres())('the rights that are printed', () => {
  let limited: LimitedRole;
  let pool: Pool;
  let config: Config;
  const open = async (attributes = '', flags: Record<string, string> = {}): Promise<void> => {
    limited = await limitedRole({ attributes });
    ({ pool, config } = await openShop(limited, { text: 'sql:upper(body)', ...flags }));
    await limited.admin(
      `CREATE SCHEMA shop; CREATE TABLE shop.docs (id bigint PRIMARY KEY, body text);
       INSERT INTO shop.docs SELECT n, 'bread ' || n FROM generate_series(1, ${ROWS}) n; CREATE EXTENSION vector; GRANT USAGE ON SCHEMA public TO PUBLIC`,
    );
  };
  afterEach(async () => {
    await pool.end();
    await limited.drop();
  });

  const missing = (): Promise<MissingGrants> => missingGrants(pool, config.settings);
  const required = async (where = 'database'): Promise<string[]> =>
    (await missing()).grants.filter((each) => !each.optional && each.where === where).map(({ sql }) => sql);
  /** By the administrator: all that is printed, once; then nothing is missing. */
  async function given(): Promise<void> {
    const { grants } = await missing();
    const statements = grants.filter(({ optional }) => !optional).map(({ sql }) => `${sql};`);
    await limited.admin(statements.join('\n'));
    expect(await required()).toEqual([]);
    expect(await required('queue')).toEqual([]);
  }
  /** What takes rights: ledger, columns, staging table and triggers. */
  async function makes(): Promise<void> {
    await migrate(pool);
    const { backfill, settings } = config;
    await applyDdl(pool, await describeTarget(pool, backfill, settings), 8);
    const target = await describeTarget(pool, backfill, settings);
    await saveBackfill(pool, target, {});
    expect(await applyCapture(pool, target, settings)).toBe('trigger');
  }
  async function runs(): Promise<void> {
    expect(await complaints(pool, config)).toEqual([]);
    await migrate(pool);
    expect(await (await runAll(pool, config, hashEmbedder())).account()).toMatchObject({ embedded: ROWS });
    expect(await required()).toEqual([]);
  }
  const database = (): string => new URL(limited.database.databaseUrl).pathname.slice(1);

  it('a role that was given rights and is not the owner becomes a member of the owner’s', async () => {
    await open();
    const { role, admin, also } = limited;
    const owner = await also('owner');
    await admin(
      `ALTER TABLE shop.docs OWNER TO ${owner}; GRANT USAGE, CREATE ON SCHEMA shop TO ${owner}; GRANT SELECT ON shop.docs TO ${role}`,
    );
    expect(await required()).toEqual([
      `GRANT "${owner}" TO ${role}`,
      `CREATE SCHEMA pgvector_backfill AUTHORIZATION ${role}`,
      `GRANT TEMPORARY ON DATABASE ${database()} TO ${role}`,
    ]);
    await given();
    await runs();
  });

  it('not of a superuser’s: the table itself is given; what its owner took from itself is given back; a key of a type elsewhere', async () => {
    await open('', { key: 'code' });
    const { role, admin } = limited;
    await admin(
      `CREATE SCHEMA types; CREATE EXTENSION citext SCHEMA types; ALTER TABLE shop.docs ADD COLUMN code types.citext UNIQUE;
       UPDATE shop.docs SET code = 'Code ' || id; ALTER TABLE shop.docs ALTER code SET NOT NULL`,
    );
    expect(await required()).toContain(`ALTER TABLE shop.docs OWNER TO ${role}`);
    await admin(`ALTER TABLE shop.docs OWNER TO ${role}; REVOKE UPDATE, TRIGGER ON shop.docs FROM ${role}`);
    const statements = await required();
    expect(statements).toContain(`GRANT UPDATE, TRIGGER ON TABLE "shop"."docs" TO ${role}`);
    expect(statements).toContain(`GRANT USAGE ON SCHEMA "types" TO ${role}`);
    await given();
    await runs();
  });

  it('a role that inherits nothing; partitions of several owners', async () => {
    await open('NOINHERIT', { table: 'shop.parts' });
    const { role, admin, also } = limited;
    const owners = [await also('one'), await also('two')];
    await admin(
      `CREATE TABLE shop.parts (id bigint PRIMARY KEY, body text) PARTITION BY RANGE (id);
       CREATE TABLE shop.parts_1 PARTITION OF shop.parts FOR VALUES FROM (0) TO (7);
       CREATE TABLE shop.parts_2 PARTITION OF shop.parts FOR VALUES FROM (7) TO (99);
       INSERT INTO shop.parts SELECT * FROM shop.docs;
       ALTER TABLE shop.parts OWNER TO ${role}; ALTER TABLE shop.parts_1 OWNER TO ${owners[0]}; ALTER TABLE shop.parts_2 OWNER TO ${owners[1]}`,
    );
    expect((await required()).filter((sql) => sql.startsWith('GRANT "'))).toEqual(
      owners.map((owner) => `GRANT "${owner}" TO ${role} WITH INHERIT TRUE`),
    );
    await given();
    await makes();
  });

  it.each([
    ['a superuser', null],
    ['the owner of the database, who is none', 'keeper'],
  ])('the schemas of ledger and queue were made by %s', async (_, name) => {
    await open();
    const { role, admin, also } = limited;
    const maker = name === null ? 'CURRENT_USER' : await also(name);
    if (name !== null) await admin(`ALTER DATABASE "${database()}" OWNER TO ${maker}`);
    await admin(
      `ALTER TABLE shop.docs OWNER TO ${role}; CREATE SCHEMA pgvector_backfill AUTHORIZATION ${maker}; CREATE SCHEMA bullmq AUTHORIZATION ${maker}`,
    );
    expect(await required()).toContain(`GRANT USAGE, CREATE ON SCHEMA pgvector_backfill TO ${role}`);
    expect(await required('queue')).toContain(`GRANT USAGE, CREATE ON SCHEMA bullmq TO ${role}`);
    await given();
    await makes();
    await prepareQueue(config.settings.queue);
    expect(await required('queue')).toEqual([]);
    if (name !== null) await admin(`ALTER DATABASE "${database()}" OWNER TO CURRENT_USER`);
  });

  it('a schema that somebody else has made, or may create in, is none that a grant would mend', async () => {
    await open();
    const { role, admin, also } = limited;
    const mallory = await also('mallory');
    await admin(
      `ALTER TABLE shop.docs OWNER TO ${role}; CREATE SCHEMA pgvector_backfill AUTHORIZATION ${mallory}; GRANT ALL ON SCHEMA pgvector_backfill TO PUBLIC`,
    );
    const { grants, notes } = await missing();
    expect(grants.filter(({ sql }) => sql.includes('pgvector_backfill'))).toEqual([]);
    expect(notes).toMatchObject([
      expect.stringMatching(new RegExp(`belongs to ${mallory}.*DROP SCHEMA`)) as string,
    ]);
    await admin(
      `DROP SCHEMA pgvector_backfill; CREATE SCHEMA pgvector_backfill; GRANT ALL ON SCHEMA pgvector_backfill TO ${mallory}`,
    );
    expect((await missing()).notes[0]).toContain(`REVOKE CREATE ON SCHEMA pgvector_backfill FROM ${mallory}`);
  });

  it('a ledger that another role has begun, and the extension in a schema of the operator’s choice', async () => {
    await open('', { 'vector-schema': 'Their ext' });
    const { role, admin, also } = limited;
    const before = await also('before');
    await admin(
      `DROP EXTENSION vector; ALTER TABLE shop.docs OWNER TO ${role}; CREATE SCHEMA pgvector_backfill AUTHORIZATION ${role};
       GRANT ${role} TO ${before}; SET SESSION AUTHORIZATION ${before}; CREATE TABLE pgvector_backfill.old (id int); RESET SESSION AUTHORIZATION;
       GRANT USAGE ON SCHEMA shop TO ${role}`,
    );
    expect(await required()).toEqual([
      'CREATE SCHEMA "Their ext"',
      'CREATE EXTENSION IF NOT EXISTS vector SCHEMA "Their ext"',
      `GRANT USAGE ON SCHEMA "Their ext" TO ${role}`,
      `GRANT CREATE ON SCHEMA "shop" TO ${role}`,
      // Membership would go in a circle.
      `ALTER TABLE pgvector_backfill.old OWNER TO ${role}`,
      `GRANT TEMPORARY ON DATABASE ${database()} TO ${role}`,
    ]);
    await given();
    await makes();
    const type = await pool.query<{ type: string }>(
      `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'shop.docs'::regclass AND attname = 'embedding'`,
    );
    expect(type.rows).toEqual([{ type: '"Their ext".vector(8)' }]);
  });
});
