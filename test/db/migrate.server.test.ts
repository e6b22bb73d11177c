import { randomBytes } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ledgerRelations, ledgerVersion, migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { DDL_LIMITS, inTransaction } from '../../src/db/transaction.ts';
import { latestRun } from '../../src/ledger/run/run.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { databases, dropRole, hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';

describe.each(databases())('the ledger on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create({ bare: true });
    pool = createPool(database.databaseUrl, { name: 'test', max: 10, logger: silentLogger });
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('is made once, by however many processes at a time', async () => {
    expect(await ledgerVersion(pool)).toBe(0);
    await Promise.all(Array.from({ length: 8 }, () => migrate(pool)));
    const files = (await readdir('src/db/migrations')).toSorted();
    const migrations = files.map((name) => ({ version: Number.parseInt(name, 10), name }));
    expect(await ledgerVersion(pool)).toBe(migrations.at(-1)?.version);
    const done = await pool.query('SELECT version, name FROM pgvector_backfill.migration ORDER BY version');
    expect(done.rows).toEqual(migrations);
    expect((await pool.query('SELECT count(*)::int AS n FROM pgvector_backfill.installation')).rows).toEqual([
      { n: 1 },
    ]);
    // What a restored one is held against.
    const made = await pool.query(
      `SELECT ARRAY(SELECT relname::text FROM pg_class WHERE relnamespace = n.oid AND relkind = 'r' ORDER BY relname COLLATE "C") AS tables,
              ARRAY(SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'i'
                       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid) ORDER BY c.relname COLLATE "C") AS indexes
         FROM pg_namespace n WHERE n.nspname = 'pgvector_backfill'`,
    );
    expect(await ledgerRelations()).toEqual(made.rows[0]);
  });

  it('gets a step that was missing below those that are there', async () => {
    await migrate(pool);
    const version = await ledgerVersion(pool);
    await pool.query('ALTER TABLE pgvector_backfill.run DROP COLUMN embedding');
    await pool.query('ALTER TABLE pgvector_backfill.batch DROP COLUMN masked');
    await pool.query('DELETE FROM pgvector_backfill.migration WHERE version = 2');
    await migrate(pool);
    expect(await ledgerVersion(pool)).toBe(version);
    expect((await pool.query('SELECT embedding FROM pgvector_backfill.run')).rowCount).toBe(0);
  });

  it('keeps what an earlier release measured under the names of this one', async () => {
    for (const name of (await readdir('src/db/migrations')).toSorted().filter((each) => each < '0051')) {
      await pool.query(await readFile(`src/db/migrations/${name}`, 'utf8'));
      await pool.query('INSERT INTO pgvector_backfill.migration (version, name) VALUES ($1, $2)', [
        Number(name.slice(0, 4)),
        name,
      ]);
    }
    await pool.query(
      `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings)
       VALUES ('docs', '"public"."docs"', 'id', '"pgvector_backfill"."docs_embedding_stage"', '{}')`,
    );
    await pool.query(
      `INSERT INTO pgvector_backfill.run (backfill, fingerprint, model, dimensions, batch_rows, fill_forecast, fill_before, fill_actual)
       VALUES ('docs', 'f', 'm', 3, 10, '{"heapBytes": 3}', '{"heapBytes": 1}', '{"heapBytes": 2}')`,
    );
    await migrate(pool);
    expect(await latestRun(pool, 'docs')).toMatchObject({
      tableGrowthForecast: { heapBytes: 3 },
      tableGrowthActual: { heapBytes: 2 },
    });
    expect((await pool.query('SELECT table_sizes_before AS before FROM pgvector_backfill.run')).rows).toEqual(
      [{ before: { heapBytes: 1 } }],
    );
  });

  it.runIf(hasPostgres())(
    'needs no right to make schemas where an administrator has made its own',
    async () => {
      const role = `limited_${randomBytes(4).toString('hex')}`;
      await pool.query(
        `CREATE ROLE ${role} LOGIN PASSWORD 'limited'; CREATE SCHEMA pgvector_backfill AUTHORIZATION ${role}`,
      );
      const url = new URL(database.databaseUrl);
      url.username = role;
      url.password = 'limited';
      const own = createPool(url.href, { name: 'test', max: 2, logger: silentLogger });
      await migrate(own);
      expect(await ledgerVersion(own)).toBeGreaterThan(0);
      await own.end();
      await dropRole(database.databaseUrl, role);
    },
  );

  it('is left alone where a newer release has been', async () => {
    await migrate(pool);
    await pool.query(
      `INSERT INTO pgvector_backfill.migration (version, name) VALUES (9999, 'from the future')`,
    );
    await expect(migrate(pool)).rejects.toMatchObject({ code: 'LEDGER_NEWER' });
  });
});

describe.runIf(hasPostgres())('inTransaction', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await realDatabase(undefined, { bare: true });
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE TABLE t (id int PRIMARY KEY)');
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('gives way to a lock that is held, and does it once the lock is gone', async () => {
    const holder = await pool.connect();
    await holder.query('BEGIN; LOCK TABLE t IN ACCESS SHARE MODE');
    let tries = 0;
    const adding = inTransaction(pool, { ...DDL_LIMITS, lockTimeoutMs: 50 }, async (client) => {
      tries++;
      if (tries === 3) await holder.query('COMMIT');
      await client.query('ALTER TABLE t ADD COLUMN extra int');
    });
    await adding;
    holder.release();
    expect(tries).toBe(3);
  });

  it('does not repeat what cannot succeed, and leaves nothing behind', async () => {
    let tries = 0;
    const failing = inTransaction(pool, DDL_LIMITS, async (client) => {
      tries++;
      await client.query('INSERT INTO t VALUES (1)');
      await client.query('SELECT 1 / 0');
    });
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect(tries).toBe(1);
    expect((await pool.query('SELECT * FROM t')).rows).toEqual([]);
  });

  it('tries again on a connection of its own when one breaks in the middle', async () => {
    let tries = 0;
    await inTransaction(pool, DDL_LIMITS, async (client) => {
      tries++;
      await client.query(`INSERT INTO t VALUES (${tries})`);
      if (tries > 1) return;
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
      await client.query('SELECT 1');
    });
    expect((await pool.query('SELECT id FROM t')).rows).toEqual([{ id: 2 }]);
  });
});
