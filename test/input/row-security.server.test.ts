/** Rows that a role does not see would get no vector, and nobody would count them. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { diagnose } from '../../src/planning/doctor.ts';
import type { Finding } from '../../src/planning/finding.ts';
import { createDocs } from '../setup/docs-table.ts';
import { dropRole, hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder } from '../setup/small-road.ts';

describe.runIf(hasPostgres())('row-level security', () => {
  const role = `reader_${process.pid}`;
  let database: TestDatabase;
  let pool: Pool;
  let mine: Pool;
  beforeEach(async () => {
    database = await realDatabase(undefined, { bare: true });
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await createDocs(pool, 10, `'text ' || n`);
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'a-test-password'`);
    const url = new URL(database.databaseUrl);
    await pool.query(`GRANT CREATE ON DATABASE ${url.pathname.slice(1)} TO ${role}`);
    await pool.query(`GRANT ALL ON SCHEMA public TO ${role}`);
    await pool.query(`ALTER TABLE docs OWNER TO ${role}`);
    await pool.query('CREATE POLICY few ON docs USING (id < 5)');
    await pool.query('ALTER TABLE docs ENABLE ROW LEVEL SECURITY');
    url.username = role;
    url.password = 'a-test-password';
    mine = createPool(url.href, { name: 'test', max: 2, logger: silentLogger });
  });
  afterEach(async () => {
    await Promise.all([mine.end(), pool.end()]);
    await database.drop();
    await dropRole(database.databaseUrl, role);
  });

  async function findings(db: Pool): Promise<Finding[]> {
    const { backfill, settings } = await loadConfig({
      flags: { table: 'docs', text: 'body' },
      env: { DATABASE_URL: database.databaseUrl },
      cwd: '/',
    });
    const openEmbedder = (): Promise<ReturnType<typeof hashEmbedder>> => Promise.resolve(hashEmbedder());
    const found = await diagnose({ pool: db, backfill, settings, openEmbedder, withQueue: false });
    return found.findings.filter(({ level, check }) => level === 'error' || check === 'row-security');
  }
  const visible = async (): Promise<number> => (await mine.query('SELECT 1 FROM docs')).rowCount ?? 0;

  it('blocks where it applies, also to an owner on whom it is forced; a policy of its own lets the role pass', async () => {
    expect(await findings(pool)).toEqual([]);
    expect(await findings(mine)).toEqual([]);
    await pool.query('ALTER TABLE docs FORCE ROW LEVEL SECURITY');
    expect(await visible()).toBe(4);
    const [blocked, ...others] = await findings(mine);
    expect(others).toEqual([]);
    expect(blocked).toMatchObject({ level: 'error', check: 'row-security', option: 'database' });
    expect(blocked?.message).toContain(role);
    // A superuser is not subject to it.
    expect(await findings(pool)).toEqual([]);
    const remedy = /(CREATE POLICY) … (ON .+)\.$/.exec(blocked?.remedy ?? '') ?? [];
    await pool.query(`${remedy[1]} backfill ${remedy[2]}`);
    expect(await visible()).toBe(10);
    expect(await findings(mine)).toEqual([]);
    await pool.query('CREATE POLICY less ON docs AS RESTRICTIVE USING (id < 5)');
    expect(await visible()).toBe(4);
    expect(await findings(mine)).toMatchObject([{ check: 'row-security', level: 'error' }]);
  });
});
