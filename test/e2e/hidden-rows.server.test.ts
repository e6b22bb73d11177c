/** Row security that is forced in mid-run, and again behind it: workers hold, lose nothing, and go on by themselves. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { REPEATED_TEXTS, openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { databases, dropRole, hasPostgres, type TestDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { expectSynced, untilSynced } from '../setup/synced.ts';
import { until } from '../setup/until.ts';

const ROWS = 60;

describe.runIf(hasPostgres())('workers of a role from which rows are hidden', () => {
  const role = `owner_${process.pid}`;
  const model = sampleModel();
  let database: TestDatabase;
  let admin: Pool;
  let backfill: TestBackfill;
  beforeEach(async () => {
    const [kind] = databases();
    if (kind === undefined) throw new Error('no database');
    database = await kind.create({ bare: true });
    admin = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await admin.query('CREATE EXTENSION IF NOT EXISTS vector');
    await createDocs(admin, ROWS, `'bread ' || n % 17`);
    const url = new URL(database.databaseUrl);
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'a-test-password'`);
    await admin.query(`GRANT CREATE ON DATABASE ${url.pathname.slice(1)} TO ${role}`);
    await admin.query(`GRANT ALL ON SCHEMA public TO ${role}; ALTER TABLE docs OWNER TO ${role}`);
    await admin.query(
      'CREATE POLICY few ON docs USING (id < 10); ALTER TABLE docs ENABLE ROW LEVEL SECURITY',
    );
    url.username = role;
    url.password = 'a-test-password';
    const queueUrl = database.queueUrl === database.databaseUrl ? url.href : database.queueUrl;
    backfill = await openBackfill({ ...database, databaseUrl: url.href, queueUrl }, model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '20',
      BACKFILL_SYNC_EVERY_SECONDS: '1',
      BACKFILL_THROTTLE_CHECK_SECONDS: '0.1',
      ...REPEATED_TEXTS,
    });
  });
  afterEach(async () => {
    await backfill.close();
    await admin.end();
    await dropRole(database.databaseUrl, role);
  });

  const force = (how: 'FORCE' | 'NO FORCE'): Promise<unknown> =>
    admin.query(`ALTER TABLE docs ${how} ROW LEVEL SECURITY`);
  const SAID = 'Row-level security of "docs" applies to';
  const held = (): Promise<unknown> =>
    until('the workers hold because rows are hidden', async () => {
      const { throttle } = await backfill.snapshot();
      return throttle.state === 'hold' && throttle.reason.includes(SAID);
    });
  const syncHeld = (): Promise<unknown> =>
    until('sync says that rows are hidden', async () =>
      (await backfill.snapshot()).sync.reason.includes(SAID),
    );
  const left = async (): Promise<unknown> =>
    (
      await admin.query(`SELECT (SELECT count(embedding)::int FROM docs) AS embedded,
        (SELECT count(*)::int FROM pgvector_backfill.docs_embedding_stage) AS staged, (SELECT count(*)::int FROM pgvector_backfill.change) AS changes,
        (SELECT count(*)::int FROM pgvector_backfill.batch WHERE state = 'failed') AS failed`)
    ).rows[0];

  it('hold in batches and in sync, and have done everything once it is over', async () => {
    await backfill.enqueue();
    await force('FORCE');
    const workers = await backfill.workers();
    try {
      await held();
      expect(await left()).toEqual({ embedded: 0, staged: 0, changes: 0, failed: 0 });
      await force('NO FORCE');
      expect((await untilSettled(backfill.pool, backfill.config.backfill)).state).toBe('ready');

      await force('FORCE');
      await admin.query(
        `UPDATE docs SET body = 'winter garden' WHERE id > 50; INSERT INTO docs VALUES (1000, 'guitar')`,
      );
      await syncHeld();
      expect(await left()).toEqual({ embedded: ROWS, staged: ROWS, changes: 11, failed: 0 });
      await force('NO FORCE');
      await untilSynced(backfill);
    } finally {
      await workers.drain();
    }
    await expectSynced(backfill);
    expect((await backfill.account()).embedded).toBe(ROWS + 1);
  });
});
