/** The staging table: in our own schema, nobody else's to read, and of hashes that tell nothing. */

import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { applyDdl } from '../../src/planning/ddl.ts';
import { blockers, diagnose } from '../../src/planning/doctor.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { databases, dropRole, type TestDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

const ROWS = 12;
const READER = `pgvb_reader_${randomBytes(4).toString('hex')}`;

describe.each(databases())('the staging table on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await create({ bare: true });
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query(`CREATE ROLE ${READER}; CREATE ROLE ${READER}_too`);
    await pool.query(
      `ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${READER}, ${READER}_too, PUBLIC; ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO PUBLIC;
       ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO ${READER}`,
    );
    await migrate(pool);
  });
  afterAll(async () => {
    await pool.end();
    for (const role of [READER, `${READER}_too`]) await dropRole(database.databaseUrl, role);
    await database.drop();
  });
  const configOf = (table: string, backfill: string): Promise<Config> =>
    loadConfig({
      flags: {},
      env: { DATABASE_URL: database.databaseUrl, BACKFILL_TABLE: table, BACKFILL_TEXT: 'body' },
      backfill,
      cwd: '/',
    });

  it('gets no grants by default privileges, nor does the ledger; its hashes are salted', async () => {
    await createDocs(pool, ROWS, `'secret word ' || n`);
    const result = await runAll(pool, await configOf('docs', 'docs'), hashEmbedder());
    expect(await result.account()).toMatchObject({ eligible: ROWS, embedded: ROWS });
    const granted = await pool.query<{ what: string }>(
      `SELECT c.relname::text AS what FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = 'pgvector_backfill'::regnamespace AND a.grantee <> c.relowner
       UNION ALL SELECT n.nspname::text FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'pgvector_backfill' AND a.grantee <> n.nspowner`,
    );
    expect(granted.rows).toEqual([]);
    const { stage } = result.context.target;
    expect(stage).toBe('"pgvector_backfill"."docs_embedding_stage"');
    // What anybody could compute who guesses a text and knows the model.
    const guess = createHash('sha256').update(`${hashEmbedder().fingerprint}\nsecret word 3`).digest();
    const hashes = await pool.query<{ hash: Buffer }>(`SELECT text_hash AS hash FROM ${stage}`);
    expect(hashes.rows.some(({ hash }) => hash.equals(guess))).toBe(false);
    // What is stale is still found, and nothing else.
    await pool.query(`UPDATE docs SET body = 'other' WHERE id = 3`);
    expect(await result.account()).toMatchObject({ embedded: ROWS - 1, stale: 1 });
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ embedded: ROWS, stale: 0 });
  });

  it('of another table of the same name has another name', async () => {
    await pool.query(
      `CREATE SCHEMA other; CREATE TABLE other.docs AS TABLE docs; ALTER TABLE other.docs ADD PRIMARY KEY (id)`,
    );
    await pool.query('ALTER TABLE other.docs DROP COLUMN embedding, DROP COLUMN embedding_updated_at');
    const result = await runAll(pool, await configOf('other.docs', 'other'), hashEmbedder());
    expect(result.context.target.stage).toMatch(/^"pgvector_backfill"\."docs_embedding_stage_[0-9a-f]{8}"$/);
    expect(await result.account()).toMatchObject({ eligible: ROWS, embedded: ROWS });
  });

  it('of an older release is moved with its rows, grants of others left behind, and is gone on with', async () => {
    // As the release before made them: beside their tables, two of one name, hashes without salt, read by others.
    await pool.query(`UPDATE pgvector_backfill.text_salt SET salt = ''`);
    for (const [schema, backfill] of [
      ['public', 'docs'],
      ['other', 'other'],
    ] as const) {
      const { stage, stageName } = await describeTarget(
        pool,
        backfill,
        (await configOf(`${schema}.docs`, backfill)).settings,
      );
      await pool.query(
        `UPDATE ${stage} s SET text_hash = sha256(convert_to($1 || chr(10) || d.body, 'UTF8')) FROM ${schema}.docs d WHERE d.id = s.id`,
        [hashEmbedder().fingerprint],
      );
      await pool.query(`ALTER TABLE ${stage} SET SCHEMA ${schema}`);
      if (stageName !== 'docs_embedding_stage')
        await pool.query(
          `ALTER TABLE ${schema}.${stageName} RENAME TO docs_embedding_stage; ALTER INDEX ${schema}.${stageName}_pkey RENAME TO docs_embedding_stage_pkey`,
        );
      await pool.query(`GRANT SELECT ON ${schema}.docs_embedding_stage TO ${READER}, PUBLIC`);
      await pool.query(`UPDATE pgvector_backfill.backfill SET stage_table = $1 WHERE name = $2`, [
        `"${schema}"."docs_embedding_stage"`,
        backfill,
      ]);
    }
    await pool.query(
      'DROP TABLE pgvector_backfill.text_salt; DELETE FROM pgvector_backfill.migration WHERE version IN (23, 24)',
    );
    await migrate(pool);
    const stages = await pool.query<{ stage: string }>(
      'SELECT stage_table AS stage FROM pgvector_backfill.backfill ORDER BY name',
    );
    expect(stages.rows.map(({ stage }) => stage)).toEqual([
      '"pgvector_backfill"."docs_embedding_stage"',
      expect.stringMatching(/^"pgvector_backfill"\."stage_[0-9a-f]{32}"$/),
    ]);
    for (const [table, backfill] of [
      ['docs', 'docs'],
      ['other.docs', 'other'],
    ] as const) {
      const config = await configOf(table, backfill);
      const target = await describeTarget(pool, backfill, config.settings);
      const { rows } = await pool.query<{ rows: number; others: number }>(
        `SELECT (SELECT count(*)::int FROM ${target.stage}) AS rows,
                (SELECT count(*)::int FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = $1::regclass AND a.grantee <> c.relowner) AS others`,
        [target.stage],
      );
      expect(rows).toEqual([{ rows: ROWS, others: 0 }]);
      expect(await applyDdl(pool, target, 8)).toEqual([]);
      const openEmbedder = () => Promise.resolve(hashEmbedder());
      expect(
        blockers((await diagnose({ pool, ...config, openEmbedder, withQueue: false })).findings),
      ).toEqual([]);
      expect(
        await runAll(pool, config, hashEmbedder(), { index: false }).then((result) => result.account()),
      ).toMatchObject({ eligible: ROWS, embedded: ROWS });
    }
    expect(
      (
        await pool.query(
          `SELECT 1 FROM pg_class WHERE relname LIKE '%stage%' AND relkind = 'r' AND relnamespace <> 'pgvector_backfill'::regnamespace`,
        )
      ).rowCount,
    ).toBe(0);
  });
});
