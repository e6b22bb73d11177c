/** A database that goes read-only under a run, as providers make it where the disk is full: everything waits, and says so. */

import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { waitForServer } from '../../src/db/wait-for-server.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { diagnose } from '../../src/planning/doctor.ts';
import { openBackfill, REPEATED_TEXTS, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { createDocs } from '../setup/docs-table.ts';
import { hasRedis, onServer, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { hashEmbedder } from '../setup/whole-run.ts';
import { until } from '../setup/until.ts';

const SENTENCE = /^The database takes no writes: default_transaction_read_only is on/;
const ROWS = 200;

const model = sampleModel();

describe.runIf(hasRedis())('a database that takes no writes', () => {
  let backfill: TestBackfill;
  afterEach(() => backfill.close());

  async function setReadOnly(value: 'on' | 'off'): Promise<void> {
    const name = new URL(backfill.env['DATABASE_URL'] ?? '').pathname.slice(1);
    await onServer(
      inject('postgresUrl') ?? '',
      `ALTER DATABASE ${name} SET default_transaction_read_only = ${value}`,
    );
    if (value === 'on')
      await onServer(
        inject('postgresUrl') ?? '',
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
      );
  }

  it('is told in one sentence by every verb, and the run goes on by itself behind it', async () => {
    backfill = await openBackfill(await realDatabase(inject('redisUrl') ?? ''), model, {
      ...REPEATED_TEXTS,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '20',
      BACKFILL_CONCURRENCY: '1',
      BACKFILL_THROTTLE_ROWS_PER_SECOND: '200',
    });
    const { pool, config, env } = backfill;
    await createDocs(pool, ROWS, `'bread ' || (ARRAY['garden', 'winter', 'guitar'])[1 + n % 3] || ' ' || n`);
    await backfill.enqueue();
    const workers = await backfill.workers(['embed']);
    await until('a batch is merged', async () => (await backfill.merged()) > 0);
    await setReadOnly('on');
    const snapshot = await until('the snapshot says so', async () => {
      const seen = await backfill.snapshot().catch(() => null);
      return seen !== null && seen.readOnly !== null ? seen : null;
    });
    expect(snapshot).toMatchObject({
      state: 'running',
      readOnly: expect.stringMatching(SENTENCE),
      throttle: { state: 'hold', reason: expect.stringMatching(SENTENCE) },
      etaSeconds: null,
      rowsPerSecond: null,
    });
    const status = await runCommand('status', [], env);
    expect(status.stdout).toMatch(/run 1 {2}running: The database takes no writes/);
    expect(status.stdout).not.toMatch(/ETA/);
    for (const [verb, args] of [
      ['pause', []],
      ['cutover', ['--to', 'shadow', '--override', 'x', '--execute']],
    ] as const) {
      const refused = await runCommand(verb, [...args], env);
      expect({ verb, code: refused.code, said: refused.stderr.split('\n')[0] }).toEqual({
        verb,
        code: 1,
        said: expect.stringMatching(/^error READ_ONLY: The database takes no writes: default_/),
      });
      expect(refused.stderr).not.toMatch(/\n\s+at /);
    }
    const { settings } = config;
    const own = createPool(settings.database.url, { name: 'test', max: 1, logger: silentLogger });
    const openEmbedder = (): Promise<ReturnType<typeof hashEmbedder>> => Promise.resolve(hashEmbedder(50));
    const { findings } = await diagnose({
      pool: own,
      backfill: config.backfill,
      settings,
      openEmbedder,
      withQueue: false,
      calibrate: true,
    });
    expect(findings.find(({ check }) => check === 'read-only')).toMatchObject({
      level: 'error',
      message: expect.stringMatching(SENTENCE),
    });
    // Asks on sessions of the time after it, though its pool has one that is read-only for good.
    const looks = vi.spyOn(own, 'connect');
    let isThere = false;
    const reachable = waitForServer(own, AbortSignal.timeout(20_000)).then(() => (isThere = true));
    await until('it has looked again', () => looks.mock.calls.length >= 2);
    expect(isThere).toBe(false);
    await setReadOnly('off');
    await reachable;
    await own.end();
    await until('all batches are merged', async () => (await backfill.merged()) === ROWS / 20);
    expect(await backfill.snapshot()).toMatchObject({ readOnly: null, batches: { failed: 0 } });
    expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS });
    await workers.drain();
  });
});
