/** What `doctor` tells of a database that was restored from a dump, on a server of the next release, and of what may get lost on the way. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { checkGenerations, checkStanding } from '../../src/planning/standing/standing.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { hasImage, startPostgres, startReplica, type StartedServer } from '../setup/containers.ts';
import { hasContainers } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';

const [OLD, NEW] = ['pgvector-backfill-test/postgres:17', 'pgvector-backfill-test/postgres:18'];
const ROWS = 60;
const model = sampleModel();

const isRunnable = hasContainers() && (await hasImage(OLD)) && (await hasImage(NEW));

describe.skipIf(!isRunnable)('a restored dump', () => {
  let servers: StartedServer[] = [];
  let backfill: TestBackfill;
  const open = (url: string): Promise<TestBackfill> =>
    openBackfill({ databaseUrl: url, queueUrl: url, drop: () => Promise.resolve() }, model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_VERIFY_RECALL: '0',
    });
  const query = (sql: string): Promise<unknown> => backfill.pool.query(sql);
  const standing = async (): Promise<Finding[]> => [
    ...(await checkStanding(backfill.pool)),
    ...(await checkGenerations(backfill.pool, 'docs', backfill.config.settings)),
  ];
  const doctor = async (): Promise<{ code: number | null; findings: Finding[] }> => {
    const { code, json } = await runCommand('doctor', ['--json'], backfill.env);
    const { findings } = json() as { findings: Finding[] };
    return {
      code,
      findings: findings.filter(({ level, check }) => level !== 'ok' && check !== 'encryption'),
    };
  };
  const warning = (check: string, message: string): Finding =>
    expect.objectContaining({
      level: 'warn',
      check,
      message: expect.stringContaining(message) as string,
    }) as Finding;

  beforeAll(async () => {
    servers = await Promise.all([OLD, NEW].map((image) => startPostgres({ direct: true, image })));
    const [old, server] = servers as [StartedServer, StartedServer];
    const original = await open(old.url);
    await createDocs(original.pool, ROWS, `'bread dough ' || n`);
    await original.enqueue();
    await original.work();
    const installation = await installationId(original.pool);
    const { host, port, password } = server.inside;
    const psql = `PGPASSWORD=${password} psql --host=${host} --port=${port} --username=postgres --quiet --set=ON_ERROR_STOP=1`;
    const options = `LOCALE_PROVIDER icu ICU_LOCALE 'en' TEMPLATE template0`;
    await old.shell(
      `${psql} postgres -c "CREATE DATABASE restored ${options}" && pg_dump --username=postgres postgres | ${psql} restored`,
    );
    backfill = await open(Object.assign(new URL(server.url), { pathname: '/restored' }).href);
    // Its jobs are not those of the original, whichever queue both are told of.
    expect(await installationId(backfill.pool)).not.toBe(installation);
    await original.close();
  });
  afterAll(async () => {
    await backfill.close();
    await Promise.all(servers.map((each) => each.stop()));
  });

  it('is whole but for triggers that nobody has armed here and statistics, which enqueue and ANALYZE mend', async () => {
    expect(await doctor()).toEqual({
      code: 0,
      findings: [
        warning('capture', 'are others than those that were armed'),
        warning('statistics', '"public"."docs" was never analysed'),
      ],
    });
    await backfill.enqueue();
    await backfill.work();
    await query('ANALYZE docs');
    expect(await doctor()).toEqual({ code: 0, findings: [] });
    expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS, missing: 0 });
  });

  it('looks at a standby as at the primary, but for that it takes no writes, and finds nothing wrong once it is promoted', async () => {
    await query(
      `COPY (SELECT 'host replication all all scram-sha-256') TO PROGRAM 'cat >> "$PGDATA/pg_hba.conf"'`,
    );
    await query('SELECT pg_reload_conf()');
    const primary = backfill;
    const replica = await startReplica(servers[1] as StartedServer, NEW);
    servers.push(replica);
    backfill = await open(Object.assign(new URL(replica.url), { pathname: '/restored' }).href);
    try {
      const { code, findings } = await doctor();
      expect(code).toBe(3);
      // Its queue is in it.
      expect(findings.map(({ check }) => check)).toEqual(['read-only', 'queue']);
      expect(await installationId(backfill.pool)).toBe(await installationId(primary.pool));
      await query('SELECT pg_promote()');
      expect((await doctor()).findings).toEqual([]);
    } finally {
      await backfill.close();
      backfill = primary;
    }
  });

  it('tells of triggers that are off or only fire on replicas', async () => {
    await query('ALTER TABLE docs DISABLE TRIGGER pgvector_backfill_capture_update');
    await query('ALTER TABLE docs ENABLE REPLICA TRIGGER pgvector_backfill_capture_truncate');
    const [found, ...more] = await standing();
    expect(more).toEqual([]);
    expect(found).toEqual(
      warning('capture', 'trigger pgvector_backfill_capture_update of public.docs is not'),
    );
    expect(found?.message).toContain(
      'pgvector_backfill_capture_truncate of public.docs is not enabled always',
    );
    await backfill.enqueue();
    expect(await standing()).toEqual([]);
  });

  it('finds a ledger that is of other rows than the table, and enqueue and workers bring both together', async () => {
    await query('ALTER TABLE docs DISABLE TRIGGER USER');
    await query('UPDATE docs SET embedding = NULL WHERE id <= 20');
    await query('DELETE FROM docs WHERE id > 50');
    await query('ALTER TABLE docs ENABLE TRIGGER USER');
    expect(await standing()).toEqual([
      warning('capture', 'is not enabled always'),
      expect.objectContaining({
        check: 'ledger-ahead',
        measurements: { looked: ROWS, gone: 10, withoutVector: 20 },
      }),
    ]);
    await backfill.enqueue();
    await backfill.work();
    expect(await standing()).toEqual([]);
    expect(await backfill.account()).toMatchObject({ eligible: 50, embedded: 50, missing: 0 });
  });

  it('asks the index for a row, which one that is valid and has lost its entries does not give', async () => {
    // As damage leaves it: rows that are written while it takes none.
    await query(`CREATE TABLE kept AS SELECT * FROM docs`);
    await query('TRUNCATE docs');
    await query(
      `UPDATE pg_index SET indisready = false WHERE indexrelid = 'docs_embedding_hnsw_idx'::regclass`,
    );
    await query('INSERT INTO docs SELECT * FROM kept');
    await query(
      `UPDATE pg_index SET indisready = true WHERE indexrelid = 'docs_embedding_hnsw_idx'::regclass`,
    );
    const findings = await standing();
    expect(findings).toContainEqual(warning('index-answer', 'gives no row for a vector that the table has'));
    const remedy = findings.find(({ check }) => check === 'index-answer')?.remedy ?? '';
    await query(remedy.split(';')[0] ?? '');
    expect((await standing()).filter(({ check }) => check === 'index-answer')).toEqual([]);
    await query('DROP INDEX docs_embedding_hnsw_idx');
    expect(await standing()).toContainEqual(warning('index-answer', 'is not there'));
  });

  it('finds sequences behind their tables, with what puts them right', async () => {
    await query(`SELECT setval('pgvector_backfill.event_id_seq', 1, false)`);
    const found = (await standing()).find(({ check }) => check === 'sequences');
    expect(found).toMatchObject({ level: 'error', message: expect.stringContaining('event.id') as string });
    await query(found?.remedy ?? '');
    expect((await standing()).filter(({ check }) => check === 'sequences')).toEqual([]);
  });

  it('compares the versions of pgvector and of the collation with those of the server', async () => {
    for (const [version, level, says] of [
      ['0.7.0', 'warn', 'ALTER EXTENSION vector UPDATE'],
      ['99.0.0', 'error', 'Install pgvector 99.0.0'],
    ] as const) {
      await query(`UPDATE pg_extension SET extversion = '${version}' WHERE extname = 'vector'`);
      expect(await checkStanding(backfill.pool)).toEqual([
        expect.objectContaining({
          level,
          check: 'pgvector-files',
          remedy: expect.stringContaining(says) as string,
        }),
      ]);
    }
    await query(
      `UPDATE pg_extension e SET extversion = a.default_version FROM pg_available_extensions a WHERE a.name = e.extname`,
    );
    await query(`UPDATE pg_database SET datcollversion = '1' WHERE datname = 'restored'`);
    expect(await checkStanding(backfill.pool)).toEqual([warning('collation', 'is of version 1')]);
    await query('ALTER DATABASE restored REFRESH COLLATION VERSION');
    expect(await checkStanding(backfill.pool)).toEqual([]);
  });

  it('tells what of the ledger is missing, and reads nothing of it then', async () => {
    await query('DROP TABLE pgvector_backfill.docs_embedding_stage');
    expect(await standing()).toEqual([warning('vectors-gone', 'has lost the staging table')]);
    await query('DROP TABLE pgvector_backfill.run, pgvector_backfill.read_mode CASCADE');
    await query('ALTER TABLE pgvector_backfill.event DROP CONSTRAINT event_pkey');
    await query('DROP INDEX pgvector_backfill.batch_recount_idx');
    const partly = await doctor();
    expect(partly.code).toBe(3);
    expect(partly.findings).toContainEqual(
      expect.objectContaining({
        check: 'ledger-parts',
        message: expect.stringContaining(
          'missing: table read_mode, run; primary key of event; index batch_recount_idx, run_backfill_idx.',
        ) as string,
      }),
    );
    await query(
      'CREATE INDEX IF NOT EXISTS docs_embedding_hnsw_idx ON docs USING hnsw (embedding vector_cosine_ops)',
    );
    await query('DROP SCHEMA pgvector_backfill CASCADE');
    const gone = await doctor();
    expect(gone.code).toBe(0);
    expect(gone.findings).toContainEqual(warning('vectors', 'no ledger'));
  });
});
