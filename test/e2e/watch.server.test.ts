/** Verbs that watch a run: the server's restart ends none of them, and what ends leaves nothing running. */

import { describe, expect, inject, it } from 'vitest';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand, startCommand, startVerb } from '../setup/command.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { startProxy, type TestProxy } from '../setup/proxy.ts';
import { until } from '../setup/until.ts';

const model = sampleModel();

describe.runIf(hasPostgres()).concurrent('a verb that watches', () => {
  /** Also the environment of a verb that reaches the database through the proxy. */
  async function behindProxy(
    options: Record<string, string> = {},
  ): Promise<{ backfill: TestBackfill; proxy: TestProxy; env: Record<string, string> }> {
    const backfill = await openBackfill(await realDatabase(), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_LOG_LEVEL: 'info',
      ...options,
    });
    await createDocs(backfill.pool, 5);
    const proxy = await startProxy(() => inject('postgresUrl') ?? '');
    const { hostname, port } = new URL(proxy.url);
    const through = Object.assign(new URL(backfill.env['DATABASE_URL'] ?? ''), { hostname, port });
    return { backfill, proxy, env: { ...backfill.env, DATABASE_URL: through.href } };
  }

  it.each([
    ['status', ['--watch', '--json'], /"running"/],
    ['finalize', ['--watch'], /Asked for/],
    ['worker', ['--exit-when-done', '--role', 'finalize'], /worker started/],
  ])('%s %j goes on when the connection is there again', async (verb, args, begun) => {
    const { backfill, proxy, env } = await behindProxy();
    await backfill.enqueue();
    const watching = startVerb(verb, args, env);
    await watching.waitFor(begun);
    proxy.cut();
    await until('the verb has met the cut', () => Promise.resolve(proxy.refused > 0));
    proxy.resume();
    await backfill.work();
    if (verb === 'status') {
      await watching.waitFor(/"ready"/);
      watching.interrupt();
    }
    expect(await watching.ended).toMatchObject({ code: 0 });
    await proxy.close();
    await backfill.close();
  });

  it('ends its roles with itself where the ledger is gone for good', async () => {
    const { backfill, proxy, env } = await behindProxy();
    await backfill.enqueue();
    const watching = startCommand('worker', ['--exit-when-done', '--role', 'finalize'], env);
    await watching.waitFor(/worker started/);
    await backfill.pool.query('DROP SCHEMA pgvector_backfill CASCADE');
    const { code, stderr } = await watching.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('pgvector_backfill');
    await proxy.close();
    await backfill.close();
  });

  it('ends where its model is not there, with a listener for metrics too', async () => {
    const { backfill, proxy, env } = await behindProxy();
    await backfill.enqueue();
    const { code, stderr } = await startCommand('worker', ['--metrics-port', '0'], {
      ...env,
      BACKFILL_MODEL_LOCAL_PATH: '/nowhere',
    }).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('MODEL_FILES_MISSING');
    expect((await runCommand('status', [], env)).code).toBe(0);
    await proxy.close();
    await backfill.close();
  });
});
