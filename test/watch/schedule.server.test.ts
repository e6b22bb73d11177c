/** Workers measure the index by themselves, from the moment on from which vectors answer every read. */

import { afterEach, describe, expect, it } from 'vitest';
import { lastPass } from '../../src/ledger/passes/watch-pass.ts';
import { saveReadMode } from '../../src/ledger/reads/read-mode.ts';
import { openQueue, type OpenQueue } from '../../src/queue/connection.ts';
import { prepareQueues } from '../../src/planning/open-queues.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { isWatched } from '../../src/watch/is-watched.ts';
import type { WorkerProcess } from '../../src/worker/process.ts';
import { REPEATED_TEXTS, openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { backends } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';

describe.each(backends())('the schedule of the watch, on $name', ({ create }) => {
  let backfill: TestBackfill;
  let workers: WorkerProcess | undefined;
  let finalizer: OpenQueue | undefined;
  afterEach(async () => {
    await workers?.drain();
    await finalizer?.close();
    await backfill.close();
  });

  it('begins as reads move to vectors, and ends as they leave them', async () => {
    backfill = await openBackfill(await create(), sampleModel(), {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_WATCH_ROWS: '5',
      ...REPEATED_TEXTS,
    });
    const { pool, config } = backfill;
    await createDocs(pool, 60);
    await backfill.enqueue();
    const early = await runCommand('finalize', ['--rebuild'], backfill.env);
    expect(early).toMatchObject({ code: 3, stderr: expect.stringContaining('NOT_READY') as string });
    workers = await backfill.workers(undefined, { scheduleMs: 100, stalledIntervalMs: 500, passMs: 100 });
    expect(await untilSettled(pool, 'docs')).toMatchObject({ state: 'ready' });
    finalizer = openQueue(await prepareQueues(config, pool, silentLogger), 'finalize');
    const { queue } = finalizer;
    const isScheduled = async (): Promise<boolean> => (await queue.getJobScheduler('watch')) != null;
    const moveTo = (mode: 'vector' | 'canary' | 'legacy', percent: number | null = null): Promise<void> =>
      saveReadMode(pool, 'docs', { mode, percent }, { by: 'test', reason: '' });
    const settings = (mode: 'auto' | 'on' | 'off'): typeof config.settings => ({
      ...config.settings,
      watch: { ...config.settings.watch, mode },
    });

    expect(await isWatched(pool, 'docs', settings('auto'))).toBe(false);
    expect(await isWatched(pool, 'docs', settings('on'))).toBe(true);
    expect(await isWatched(pool, 'docs@2', settings('on'))).toBe(false);
    await moveTo('canary', 10);
    expect(await isWatched(pool, 'docs', settings('auto'))).toBe(false);
    expect(await isScheduled()).toBe(false);

    await moveTo('vector');
    expect(await isWatched(pool, 'docs', settings('off'))).toBe(false);
    await until('a pass was made', async () => (await lastPass(pool, 'docs')) !== null);
    expect(await lastPass(pool, 'docs')).toMatchObject({
      verdict: 'good',
      result: { points: [{ recall: { rows: { queries: 5 } } }], freshness: { passed: true } },
    });
    const scheduler = await queue.getJobScheduler('watch');
    expect(scheduler?.every).toBe(86_400_000);

    await moveTo('legacy');
    await until('it is scheduled no more', async () => !(await isScheduled()));
  });
});
