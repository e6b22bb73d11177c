/** A copy of a database has its ledger, too: its workers must not take the jobs of the original. */

import { describe, expect, it } from 'vitest';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import { REPEATED_TEXTS, openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { hasPostgres, onServer, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';

const ROWS = 4;

describe.runIf(hasPostgres())('a copied database', () => {
  const model = sampleModel();
  const open = (database: TestDatabase): Promise<TestBackfill> =>
    openBackfill(database, model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '2',
      ...REPEATED_TEXTS,
    });

  it('has jobs of its own, and leaves those of the original to its workers', async () => {
    // Redis keeps them apart by their keys, which go by the installation; here they share their queues.
    const database = await realDatabase();
    const first = await open(database);
    await createDocs(first.pool, ROWS, `'bread dough ' || n`);
    await first.enqueue();
    await first.close();
    const url = new URL(database.databaseUrl);
    url.pathname += '_copy';
    await onServer(
      Object.assign(new URL(url), { pathname: '/postgres' }).href,
      `CREATE DATABASE ${url.pathname.slice(1)} TEMPLATE ${new URL(database.databaseUrl).pathname.slice(1)}`,
    );
    // One queue for both, as where only the address of the database is changed.
    const original = await open(database);
    const copy = await open({ ...database, databaseUrl: url.href });
    expect(await installationId(copy.pool)).not.toBe(await installationId(original.pool));

    const ofCopy = await copy.workers(undefined, { giveBackMs: 100, passMs: 100, stalledIntervalMs: 500 });
    await until('jobs are given back', async () => {
      const { rowCount } = await copy.pool.query(
        `SELECT 1 FROM pgvector_backfill.event WHERE kind = 'job.given-back'`,
      );
      return rowCount === 1;
    });
    expect(await copy.merged()).toBe(0);
    expect(await original.work()).toMatchObject({ state: 'ready', rows: { embedded: ROWS } });
    // The jobs of the original have gone, whose names were those of its own.
    expect(await copy.enqueue()).toMatchObject({ enqueued: 2 });
    const { attempts } = (
      await original.pool.query<{ attempts: number }>(
        'SELECT max(attempts) AS attempts FROM pgvector_backfill.batch',
      )
    ).rows[0] ?? { attempts: -1 };
    expect(attempts).toBeLessThanOrEqual(1);
    await ofCopy.drain();
    await original.close();
    await copy.close();
  });
});
