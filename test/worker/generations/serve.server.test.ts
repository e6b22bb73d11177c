/** One worker process serves the generations that there are: those that come and go while it runs, and those whose model is here. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backfillOf } from '../../../src/config/values/generation-name.ts';
import { createLogger, type LogStream } from '../../../src/observability/logger.ts';
import { listEvents } from '../../../src/ledger/event/event.ts';
import { syncState } from '../../../src/ledger/changes/drain-lease.ts';
import { saveReport } from '../../../src/ledger/progress/worker-report.ts';
import { saveReadMode } from '../../../src/ledger/reads/read-mode.ts';
import { pauseRun, unpauseRun } from '../../../src/ledger/run/move-run.ts';
import { OPEN_STATES } from '../../../src/ledger/run/run.ts';
import { releaseCapture } from '../../../src/sync/release-capture.ts';
import { servedGenerations } from '../../../src/worker/generations/served.ts';
import type { WorkerProcess } from '../../../src/worker/process.ts';
import { waitLines } from '../../../src/terminal/wait-lines.ts';
import { startWorkers } from '../../../workers/process.ts';
import { REPEATED_TEXTS, openBackfill, type TestBackfill } from '../../setup/backfill.ts';
import { databases } from '../../setup/databases.ts';
import { createDocs } from '../../setup/docs-table.ts';
import { sharedEmbedder } from '../../setup/embedder.ts';
import { nextGeneration, twoModels, type TwoModels } from '../../setup/generations.ts';
import { expectSynced, untilSynced } from '../../setup/synced.ts';
import { until } from '../../setup/until.ts';

const ROWS = 60;
/** Of pino. */
const WARN = 40;
const times = { generationsMs: 50, stalledIntervalMs: 500, passMs: 100 };

describe.each(databases())('generations of a worker process on $name', ({ create }) => {
  let models: TwoModels;
  let first: TestBackfill;
  let second: TestBackfill;
  let worker: WorkerProcess | null = null;
  let lines: { level: number; msg: string; generation?: number; reason?: string }[];

  beforeEach(async () => {
    lines = [];
    models = await twoModels();
    first = await openBackfill(await create(), models.first, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '20',
      BACKFILL_SYNC_EVERY_SECONDS: '1',
      ...REPEATED_TEXTS,
    });
    second = nextGeneration(first, models.second);
    await createDocs(first.pool, ROWS, `(ARRAY['garden', 'winter'])[1 + n % 2] || ' bread ' || n`);
    await first.enqueue();
  });
  afterEach(async () => {
    await worker?.drain();
    worker = null;
    await first.close();
    await models.first.remove();
  });

  async function start(config = first.config): Promise<void> {
    const stream = { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) };
    const logger = createLogger('info', stream as unknown as LogStream);
    // No index is built: it would be most of the time.
    worker = await startWorkers(config, first.pool, logger, ['embed', 'sync'], {
      openEmbedder: sharedEmbedder,
      times,
    });
  }
  const settled = (backfill: TestBackfill): Promise<unknown> =>
    until(`${backfill.config.backfill} is embedded`, async () => (await backfill.merged()) === ROWS / 20);
  const troubles = (): typeof lines =>
    lines.filter(({ level, msg }) => level >= WARN && !msg.includes('is not encrypted'));
  const edit = (word: string): Promise<unknown> =>
    first.pool.query(`UPDATE docs SET body = $1 || ' for a doctor ' || id WHERE id % 7 = 0`, [word]);
  const bothSynced = async (): Promise<void> => {
    for (const each of [first, second]) {
      await untilSynced(each);
      await expectSynced(each);
    }
  };

  it('gets one that comes, keeps both in line, and leaves one that goes without a word of its tables', async () => {
    await start();
    await settled(first);
    await second.enqueue();
    await edit('rain');
    await settled(second);
    // Held up by nobody: what waits for the other one is there once, however often it is written.
    const { id } = await second.run();
    await pauseRun(first.pool, id, OPEN_STATES, 'by the operator');
    for (const word of ['guitar', 'winter']) {
      await edit(word);
      await untilSynced(first);
    }
    await expectSynced(first);
    expect((await syncState(first.pool, 'docs@2')).pending).toBe(Math.floor(ROWS / 7));
    await unpauseRun(first.pool, id);
    await bothSynced();
    expect(troubles()).toEqual([]);
    await releaseCapture(first.pool, await second.target());
    const { stage } = await second.target();
    await first.pool.query(`UPDATE pgvector_backfill.backfill SET dropped_at = now() WHERE name = 'docs@2'`);
    await first.pool.query(`DROP TABLE ${stage}; ALTER TABLE docs DROP COLUMN embedding_2`);
    await until('it has ended', () => lines.some(({ msg }) => msg.startsWith('generation is gone')));
    await edit('winter');
    await untilSynced(first);
    await expectSynced(first);
    expect(troubles()).toEqual([]);
    const drained = await worker?.drain();
    worker = null;
    expect(drained).toBe(true);
  });

  it('goes on with the others where the model of one is missing, says so, and takes it up once it is there', async () => {
    await second.enqueue();
    await models.remove();
    await start();
    await settled(first);
    const { stall } = await second.snapshot();
    expect(stall?.cause).toBe('model-unavailable');
    expect(stall?.reason).toContain('cannot serve docs, generation 2: ');
    // Another host has the model: nothing is held up.
    await saveReport(first.pool, 'docs@2', 'other/1', { stall: null, clockAheadSeconds: 0 });
    const seen = await second.snapshot();
    expect(seen.stall).toBeNull();
    expect(waitLines(seen, [])).toEqual([`worker   ${stall?.reason}`]);
    const told = troubles();
    expect(told).toMatchObject([{ generation: 2, reason: stall?.reason }]);
    const events = await listEvents(first.pool, 'docs@2', 50);
    expect(events.filter(({ kind }) => kind === 'worker.unopened')).toHaveLength(1);
    await models.restore();
    await settled(second);
    await bothSynced();
    expect((await second.snapshot()).stall).toBeNull();
    expect(troubles()).toEqual(told);
  });

  it('with the options of another model keeps in line what reads go by, and ends where no model is here', async () => {
    await start();
    await settled(first);
    await worker?.drain();
    const ahead = { ...second.config, backfill: backfillOf(second.config.backfill) };
    ahead.settings = { ...ahead.settings, column: 'embedding', updatedAtColumn: 'embedding_updated_at' };
    const served = async (): Promise<(string | null)[]> =>
      (await servedGenerations(first.pool, ahead)).map(({ config }) => config.settings.model.name);
    // It would be embedded again in place.
    expect(await served()).toEqual(['second']);
    await saveReadMode(first.pool, 'docs', { mode: 'vector', percent: null }, { by: 'me', reason: 'moved' });
    expect(await served()).toEqual(['first']);
    await start(ahead);
    await edit('rain');
    await untilSynced(first);
    await expectSynced(first);
    await second.enqueue();
    await settled(second);
    await bothSynced();
    expect(await served()).toEqual(['first', 'second']);
    await worker?.drain();
    worker = null;
    await models.first.remove();
    await expect(start()).rejects.toThrow('model');
  });
});
