/** pgvector in a schema that is on nobody's path: made there by somebody else, or by us where the operator says so. */

import { afterEach, describe, expect, it } from 'vitest';
import pg from 'pg';
import type { Config } from '../../src/config/load.ts';
import { planSearchFunction } from '../../src/cutover/search-function.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Pool } from '../../src/db/pool.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { checkVectorSchema } from '../../src/planning/checks/vector-schema.ts';
import { missingDdl } from '../../src/planning/ddl.ts';
import { compareSearches } from '../../src/search/compare.ts';
import { hasPostgres } from '../setup/databases.ts';
import { openShop, limitedRole, type LimitedRole } from '../setup/limited-role.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';

const ROWS = 12;

describe.runIf(hasPostgres())('the schema of pgvector', () => {
  let limited: LimitedRole;
  let pool: Pool;
  let config: Config;
  const open = async (attributes: string, vectorSchema?: string): Promise<void> => {
    limited = await limitedRole({ attributes });
    ({ pool, config } = await openShop(limited, {
      text: 'body',
      ...(vectorSchema === undefined ? {} : { 'vector-schema': vectorSchema }),
    }));
    await limited.admin(
      `CREATE SCHEMA shop AUTHORIZATION ${limited.role}; CREATE TABLE shop.docs (id bigint PRIMARY KEY, body text); ALTER TABLE shop.docs OWNER TO ${limited.role};
       INSERT INTO shop.docs SELECT n, 'bread ' || n FROM generate_series(1, ${ROWS}) n; CREATE SCHEMA pgvector_backfill AUTHORIZATION ${limited.role}`,
    );
  };
  afterEach(async () => {
    await pool.end();
    await limited.drop();
  });

  const schemaFinding = async (): Promise<unknown> =>
    (await checkVectorSchema(pool, config.settings.vectorSchema))[0];
  const words = (text: string): string => expect.stringContaining(text) as string;
  /** Every part that names the type or an operator of it. */
  async function runs(schema: string): Promise<void> {
    expect(await complaints(pool, config)).toEqual([]);
    await migrate(pool);
    const result = await runAll(pool, config, hashEmbedder());
    expect(await result.account()).toMatchObject({ embedded: ROWS });
    await pool.query(`UPDATE shop.docs SET body = 'soup' WHERE id = 3`);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ embedded: ROWS });
    expect(result.index).toMatchObject({ kind: 'valid' });
    const { target } = result.context;
    const compared = await compareSearches(
      { pool, target, settings: config.settings, embedder: hashEmbedder() },
      'soup',
      3,
    );
    expect(compared.vector[0]).toMatchObject({ key: '3' });
    const inSql = await planSearchFunction(pool, target, 'cosine', {});
    for (const sql of inSql.statements) await pool.query(sql);
    const asked = await pool.query<{ key: string }>(
      `SELECT key FROM ${inSql.name}((SELECT embedding FROM shop.docs WHERE id = 3), 1)`,
    );
    expect(asked.rows).toEqual([{ key: '3' }]);
    const found = await pool.query<{ schema: string }>(
      `SELECT extnamespace::regnamespace::text AS schema FROM pg_extension WHERE extname = 'vector'`,
    );
    expect(found.rows).toEqual([{ schema }]);
  }

  it('a superuser has put it into extensions: the role needs USAGE on it, and no path', async () => {
    await open('');
    await limited.admin('CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions');
    expect(await schemaFinding()).toMatchObject({
      level: 'error',
      message: 'pgvector is in schema extensions, which this user may not use.',
      remedy: words(`GRANT USAGE ON SCHEMA "extensions" TO ${limited.role}`),
    });
    await limited.admin(`GRANT USAGE ON SCHEMA extensions TO ${limited.role}`);
    await runs('extensions');
  });

  it('vectorSchema: what --dry-run prints runs as it stands, on a path without it', async () => {
    await open('SUPERUSER', 'Their ext');
    expect(await schemaFinding()).toMatchObject({
      level: 'error',
      option: 'vectorSchema',
      message: 'Schema Their ext (option vectorSchema) does not exist in this database.',
      remedy: words('CREATE SCHEMA "Their ext";'),
    });
    await limited.admin('CREATE SCHEMA "Their ext"');
    expect(await schemaFinding()).toMatchObject({ level: 'ok' });
    const target = await describeTarget(pool, config.backfill, config.settings);
    const ddl = (await missingDdl(pool, target, 8)).map(({ sql }) => sql);
    expect(ddl.slice(0, 2)).toEqual([
      'CREATE EXTENSION IF NOT EXISTS vector SCHEMA "Their ext"',
      words('ADD COLUMN IF NOT EXISTS "embedding" "Their ext".vector(8)'),
    ]);
    const session = new pg.Client({ connectionString: limited.database.databaseUrl });
    await session.connect();
    for (const sql of ddl) await session.query(sql);
    await session.end();
    expect(await missingDdl(pool, await describeTarget(pool, config.backfill, config.settings), 8)).toEqual(
      [],
    );
    await runs('"Their ext"');
  });

  it('vectorSchema: where it is in another one already, that one is used and it is said so', async () => {
    await open('', 'shop');
    await limited.admin(`CREATE EXTENSION vector SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC`);
    expect(await schemaFinding()).toMatchObject({
      level: 'warn',
      option: 'vectorSchema',
      message: words('pgvector is in schema public already, and is used there'),
    });
    const target = await describeTarget(pool, config.backfill, config.settings);
    expect(target.vectorPrefix).toBe('"public".');
    expect((await missingDdl(pool, target, 8))[0]?.sql).toContain('"embedding" "public".vector(8)');
  });

  it('vectorSchema: not among our own tables, which are taken away again', async () => {
    await open('SUPERUSER', 'pgvector_backfill');
    expect(await schemaFinding()).toMatchObject({ level: 'error', message: words('our own tables') });
  });
});
