/** What is told without `pg_stat_statements`: by the server's own counts. */

import { afterEach, describe, expect, it } from 'vitest';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { audit } from '../../src/audit/audit.ts';
import { openAuditedTable, VECTOR, type AuditedTable } from './audited-table.ts';

let table: AuditedTable;
afterEach(() => table.close());

const run = (...flags: string[]): Promise<CommandResult> =>
  runCommand('audit', flags, {
    DATABASE_URL: table.config.settings.database.url,
    BACKFILL_TABLE: 'articles',
    BACKFILL_TEXT: 'title',
  });

describe.skipIf(!hasPostgres())('audit without pg_stat_statements', () => {
  it('finds an index that reads should go by and that no scan has used, or that is gone', async () => {
    const { databaseUrl } = await realDatabase();
    table = await openAuditedTable(databaseUrl, { rows: 300 });
    const first = await run();
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toContain('pg_stat_statements is not in this database');
    expect(first.stdout).toContain('CREATE EXTENSION pg_stat_statements;');

    await table.pool.query(
      `INSERT INTO pgvector_backfill.read_mode (backfill, mode) VALUES ('articles', 'vector')`,
    );
    const unused = await run('--json');
    expect(unused.code).toBe(3);
    expect(unused.json()).toMatchObject({
      passed: false,
      source: { state: 'missing' },
      indexes: [{ scans: 0, why: expect.stringContaining('was not scanned since') as string }],
    });
    await table.ask(
      'SET enable_seqscan = off',
      `SELECT id FROM articles ORDER BY embedding <=> '${VECTOR}' LIMIT 10`,
      'SELECT pg_stat_force_next_flush()',
    );
    expect(await audit(table.pool, table.config)).toMatchObject({ passed: true, indexes: [{ scans: 1 }] });

    await table.ask('DROP INDEX articles_embedding_hnsw_idx');
    expect(await audit(table.pool, table.config)).toMatchObject({
      passed: false,
      indexes: [{ isPresent: false, remedy: expect.stringContaining('finalize') as string }],
    });
  });

  it('says how to have it loaded where the server has not', async () => {
    const { databaseUrl } = await realDatabase();
    table = await openAuditedTable(databaseUrl, { rows: 30 });
    await table.ask('CREATE EXTENSION pg_stat_statements');
    const { code, stdout } = await run();
    expect(code).toBe(0);
    expect(stdout).toContain("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
  });
});
