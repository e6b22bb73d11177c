/** A whole run through PgBouncer, in both of its modes. */

import pg from 'pg';
import { silentLogger } from '../../src/observability/logger.ts';
import { startWorkers } from '../../workers/process.ts';
import { describe, expect, it } from 'vitest';
import { REPEATED_TEXTS, openBackfill } from '../setup/backfill.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from '../setup/pgbouncer.ts';

const ROWS = 4;
/** What PgBouncer itself sets on a server connection for the client that has it is none that we have left. */
const LEFT = `SELECT name || ' = ' || setting AS left FROM pg_settings WHERE source = 'session'
     AND name NOT IN ('client_encoding', 'application_name', 'DateStyle', 'TimeZone', 'standard_conforming_strings') AND name NOT LIKE 'transaction%'
  UNION ALL SELECT 'advisory lock' FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

describe.runIf(hasPostgres() && hasPgBouncer())('behind PgBouncer', () => {
  const model = sampleModel();

  async function runThrough(
    bouncer: PgBouncer,
    queueUrl: string,
    direct: Record<string, string>,
  ): Promise<void> {
    const database = { databaseUrl: bouncer.url, queueUrl, drop: () => Promise.resolve() };
    const backfill = await openBackfill(database, model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      ...REPEATED_TEXTS,
      ...direct,
    });
    await createDocs(backfill.pool, ROWS, `'bread dough ' || n`);
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      rows: { embedded: ROWS },
      index: { valid: true },
    });
    await backfill.close();
  }

  /** Of all server connections at once, so that none is asked twice. */
  async function left(url: string, connections: number): Promise<string[]> {
    const clients = Array.from({ length: connections }, () => new pg.Client({ connectionString: url }));
    const found: string[] = [];
    for (const client of clients) {
      await client.connect();
      await client.query('BEGIN');
      found.push(...(await client.query<{ left: string }>(LEFT)).rows.map((row) => row.left));
    }
    await Promise.all(clients.map((client) => client.end()));
    return found;
  }

  it('in transaction mode: ready, with nothing left on the connections of the application', async () => {
    const { databaseUrl } = await realDatabase();
    const bouncer = await startPgBouncer(databaseUrl, 'transaction', 10);
    // The queue, too: it has the URL of the database, and so its way past the pooler.
    await runThrough(bouncer, bouncer.url, { DIRECT_DATABASE_URL: databaseUrl });
    expect(await left(bouncer.url, 10)).toEqual([]);
    await bouncer.close();
  });

  it('in transaction mode: a worker without a way past it says at its start what will want one', async () => {
    const { databaseUrl } = await realDatabase();
    const bouncer = await startPgBouncer(databaseUrl, 'transaction', 10);
    const database = { databaseUrl: bouncer.url, queueUrl: databaseUrl, drop: () => Promise.resolve() };
    const backfill = await openBackfill(database, model, { BACKFILL_TABLE: 'docs', BACKFILL_TEXT: 'body' });
    const said: unknown[] = [];
    const warn = (facts: object, message: string): void => void said.push({ ...facts, message });
    const logger = { ...silentLogger, warn, child: () => logger } as never;
    const worker = await startWorkers(backfill.config, backfill.pool, logger, ['finalize']);
    await worker.drain();
    expect(said).toContainEqual({
      message: expect.stringMatching(
        /transaction mode: batches, sync and searches work .* the index build/,
      ) as string,
      remedy: expect.stringContaining(
        'database.direct (--database-direct, env DIRECT_DATABASE_URL',
      ) as string,
    });
    await backfill.close();
    await bouncer.close();
  });

  it('in session mode: ready, queue and all', async () => {
    const { databaseUrl } = await realDatabase();
    const bouncer = await startPgBouncer(databaseUrl, 'session', 40);
    await runThrough(bouncer, bouncer.url, {});
    await bouncer.close();
  });
});
