/** A run that is paused stands still on every worker, and loses nothing by it. */

import { afterEach, describe, expect, it } from 'vitest';
import { createDocs } from '../setup/docs-table.ts';
import { REPEATED_TEXTS, openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { runCommand, startVerb, type CommandResult } from '../setup/command.ts';
import { backends } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { FakeServer, fine } from '../embedding/endpoint/fake-server.ts';
import { until } from '../setup/until.ts';

const ROWS = 2000;

const model = sampleModel();

describe.each(backends())('pause and resume on $name', ({ create }) => {
  let backfill: TestBackfill;
  afterEach(() => backfill.close());

  it('stops between batches, keeps the reason, and goes on without a restart', async () => {
    const server = await FakeServer.start();
    backfill = await openBackfill(await create(), model, {
      BACKFILL_MODEL_ENDPOINT: `${server.origin}/v1`,
      BACKFILL_MODEL_NAME: 'remote',
      BACKFILL_CONCURRENCY: '2',
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      ...REPEATED_TEXTS,
      BACKFILL_BATCH_ROWS: '20',
      BACKFILL_LOG_LEVEL: 'info',
    });
    const run = (verb: string, args: string[] = []): Promise<CommandResult> =>
      runCommand(verb, [...args, '--json'], backfill.env);
    expect((await run('pause')).code).toBe(3);
    await createDocs(
      backfill.pool,
      ROWS,
      `'bread ' || (ARRAY['garden', 'winter', 'guitar'])[1 + n % 3] || ' ' || n % 17`,
    );
    await backfill.enqueue();
    const held: (() => void)[] = [];
    // The probe is answered, rows wait: two batches are in flight until they are let go.
    server.behave((asked, response, nth) => {
      if (asked.texts.length === 1) fine(asked, response, nth);
      else held.push(() => fine(asked, response, nth));
    });
    const worker = startVerb('worker', [], backfill.env);
    while (held.length < 2) await server.arrival();
    const paused = await run('pause', ['--reason', 'the nightly report']);
    expect(paused.code).toBe(0);
    expect(paused.json()).toMatchObject({
      state: 'paused',
      reason: 'paused by the operator: the nightly report',
    });
    expect((await run('pause', ['--reason', 'another'])).json()).toMatchObject({
      reason: 'paused by the operator: the nightly report',
    });
    server.behave(fine);
    for (const letGo of held) letGo();
    // What was in flight has ended once no batch is claimed and unfinished any more; from then on nothing moves.
    const claimed = `SELECT count(*)::int AS n FROM pgvector_backfill.batch WHERE started_at IS NOT NULL AND state <> 'merged'`;
    await until(
      'no batch is in flight',
      async () => (await backfill.pool.query<{ n: number }>(claimed)).rows[0]?.n === 0,
    );
    const { batches, rowsPerSecond, etaSeconds } = await backfill.snapshot();
    expect(batches).toMatchObject({ merged: 2, pending: ROWS / 20 - 2 });
    // Nothing moves: a time left would be made up.
    expect([rowsPerSecond, etaSeconds]).toEqual([null, null]);
    const late = await runCommand('worker', ['--exit-when-done', '--json'], backfill.env);
    expect(late.json()).toMatchObject({ state: 'paused' });
    expect((await backfill.snapshot()).batches).toEqual(batches);
    expect((await run('enqueue')).code).toBe(0);
    expect((await backfill.snapshot()).state).toBe('paused');

    expect((await run('resume')).json()).toMatchObject({ state: 'running', reason: '' });
    await untilSettled(backfill.pool, backfill.config.backfill);
    expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS });
    expect(await backfill.snapshot()).toMatchObject({ state: 'ready', index: { valid: true } });

    await run('pause');
    expect((await run('resume')).json()).toMatchObject({ state: 'ready' });
    const { rows } = await backfill.pool.query(
      `SELECT kind FROM pgvector_backfill.event WHERE kind IN ('run.paused', 'run.resumed') ORDER BY id`,
    );
    expect(rows.map(({ kind }: { kind: string }) => kind)).toEqual([
      'run.paused',
      'run.resumed',
      'run.paused',
      'run.resumed',
    ]);
    worker.interrupt();
    expect((await worker.ended).code).toBe(0);
    await server.close();
  });
});
