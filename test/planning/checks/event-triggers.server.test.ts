/** Event triggers that refuse what a run makes, or do something of their own to it: found before, and told by name. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../../src/config/load.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { explainedByServer } from '../../../src/db/explained-error.ts';
import { ensureIndex } from '../../../src/finalize/build/ensure-index.ts';
import { wantedIndex } from '../../../src/finalize/index-definition.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { applyDdl } from '../../../src/planning/ddl.ts';
import { diagnose } from '../../../src/planning/doctor.ts';
import type { Finding } from '../../../src/planning/checks/finding.ts';
import { describeTarget } from '../../../src/ledger/backfill/describe-target.ts';
import { dropRole, hasPostgres, realDatabase, type TestDatabase } from '../../setup/databases.ts';
import { hashEmbedder } from '../../setup/whole-run.ts';

const FORCE = `DECLARE r record; BEGIN
  FOR r IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', r.object_identity);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', r.object_identity);
  END LOOP; END`;
const FORBID = `BEGIN RAISE EXCEPTION 'DDL goes through the pipeline'; END`;

describe.runIf(hasPostgres())('event triggers', () => {
  const role = `owner_${process.pid}`;
  let database: TestDatabase;
  let admin: Pool;
  let mine: Pool;
  let config: Config;
  beforeAll(async () => {
    database = await realDatabase(undefined, { bare: true });
    admin = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    const url = new URL(database.databaseUrl);
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'a-test-password'`);
    await admin.query('CREATE EXTENSION IF NOT EXISTS vector');
    await admin.query(`GRANT CREATE ON DATABASE ${url.pathname.slice(1)} TO ${role}`);
    await admin.query(`GRANT ALL ON SCHEMA public TO ${role}`);
    await admin.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text, embedding vector(8))');
    await admin.query(`ALTER TABLE docs OWNER TO ${role}`);
    await admin.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, 600) n`);
    url.username = role;
    url.password = 'a-test-password';
    mine = createPool(url.href, { name: 'test', max: 2, logger: silentLogger, table: 'docs' });
    config = await loadConfig({
      flags: { table: 'docs', text: 'body' },
      env: { DATABASE_URL: url.href, QUEUE_URL: url.href },
      cwd: '/',
    });
  });
  beforeEach(async () => {
    await admin.query('DROP EVENT TRIGGER IF EXISTS house_rule');
  });
  afterAll(async () => {
    await admin.query('DROP EVENT TRIGGER IF EXISTS house_rule');
    await Promise.all([admin.end(), mine.end()]);
    await dropRole(database.databaseUrl, role);
    await database.drop();
  });

  async function rule(event: string, tags: string, body: string): Promise<void> {
    await admin.query(
      `CREATE OR REPLACE FUNCTION house_rules() RETURNS event_trigger LANGUAGE plpgsql AS $$${body}$$`,
    );
    await admin.query(
      `CREATE EVENT TRIGGER house_rule ON ${event} WHEN tag IN (${tags}) EXECUTE FUNCTION house_rules()`,
    );
  }
  async function doctor(calibrate = false): Promise<Finding[]> {
    const { backfill, settings } = config;
    const openEmbedder = (): Promise<ReturnType<typeof hashEmbedder>> => Promise.resolve(hashEmbedder());
    const input = { pool: mine, backfill, settings, openEmbedder, withQueue: false, calibrate };
    const { findings } = await diagnose(input);
    return findings.filter(
      ({ level, check }) => level === 'error' || check === 'event-triggers' || check === 'index-time',
    );
  }
  const raisedBy = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => null,
      (error: unknown) => explainedByServer(mine, error),
    );
  const leftovers = async (): Promise<unknown> =>
    (
      await admin.query(
        `SELECT to_regnamespace('pgvector_backfill') AS schema, to_regclass('pgvb_trial') AS table`,
      )
    ).rows[0];

  it('are named where they let everything through, and nothing of the trial stays', async () => {
    expect(await doctor()).toEqual([]);
    await rule('ddl_command_end', `'CREATE TABLE'`, 'BEGIN NULL; END');
    expect(await doctor()).toMatchObject([
      {
        level: 'ok',
        message:
          'house_rule (ddl_command_end, function house_rules): a trial of what a run makes went through',
      },
    ]);
    expect(await leftovers()).toEqual({ schema: null, table: null });
  });

  it('block where they force row security on new tables; DDL that meets one later says the same', async () => {
    await rule('ddl_command_end', `'CREATE TABLE'`, FORCE);
    expect(await doctor()).toMatchObject([
      {
        level: 'error',
        check: 'event-triggers',
        message: expect.stringMatching(/by event trigger house_rule/),
        remedy: expect.stringMatching(/BYPASSRLS/),
      },
    ]);
    expect(await raisedBy(migrate(mine))).toMatchObject({
      code: 'ROW_SECURITY_FORCED',
      message: expect.stringMatching(/house_rule/),
    });
    expect(await leftovers()).toEqual({ schema: null, table: null });
    // As one that came after the first enqueue.
    await mine.query('CREATE SCHEMA pgvector_backfill');
    const target = await describeTarget(mine, config.backfill, config.settings);
    expect(await raisedBy(applyDdl(mine, target, 8))).toMatchObject({ code: 'ROW_SECURITY_FORCED' });
    await mine.query('DROP SCHEMA pgvector_backfill');
  });

  it('block where they forbid DDL: doctor ends, without the time of the build', async () => {
    await rule('ddl_command_start', `'CREATE TRIGGER', 'CREATE INDEX'`, FORBID);
    expect(await doctor(true)).toMatchObject([
      {
        level: 'error',
        check: 'event-triggers',
        message: expect.stringMatching(/house_rule.* refuses our DDL: DDL goes through the pipeline/),
      },
      {
        level: 'warn',
        check: 'index-time',
        message: expect.stringMatching(/could not be measured: .*house_rule/),
      },
    ]);
  });

  it('a build that one refuses is the administrator’s to allow, and is not tried again', async () => {
    await rule('ddl_command_start', `'CREATE INDEX'`, FORBID);
    const target = await describeTarget(mine, config.backfill, config.settings);
    const error = await raisedBy(
      ensureIndex({
        pool: mine,
        target,
        settings: config.settings,
        dimensions: 8,
        rows: 600,
        wanted: wantedIndex(target, config.settings, 600),
        logger: silentLogger,
        onProgress: () => Promise.resolve(),
        onEvent: () => Promise.resolve(),
        pollMs: 50,
      }),
    );
    expect(error).toMatchObject({
      code: 'DDL_REFUSED',
      retryable: false,
      remedy: expect.stringMatching(/ALTER EVENT TRIGGER house_rule DISABLE/),
    });
  });
});
