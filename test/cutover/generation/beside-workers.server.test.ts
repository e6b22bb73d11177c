/** A generation goes while workers are at work for it, and the application writes: they end in order, and keep the other in line. */

import { afterEach, describe, expect, it } from 'vitest';
import type { OpenEmbedder } from '../../../src/embedding/embedder.ts';
import { createLogger, type LogStream } from '../../../src/observability/logger.ts';
import { startWorkers } from '../../../workers/process.ts';
import type { WorkerProcess } from '../../../src/worker/process.ts';
import { REPEATED_TEXTS, openBackfill, type TestBackfill } from '../../setup/backfill.ts';
import { startVerb } from '../../setup/command.ts';
import { databases, hasPostgres } from '../../setup/databases.ts';
import { createDocs } from '../../setup/docs-table.ts';
import { sharedEmbedder } from '../../setup/embedder.ts';
import { nextGeneration, twoModels, type TwoModels } from '../../setup/generations.ts';
import { startWriter } from '../../setup/live-writer.ts';
import { expectSynced, untilSynced } from '../../setup/synced.ts';
import { until } from '../../setup/until.ts';

const ROWS = 60;
/** Of pino. */
const WARN = 40;

let models: TwoModels;
let first: TestBackfill;
let worker: WorkerProcess | null = null;
afterEach(async () => {
  await worker?.drain();
  worker = null;
  await first.close();
  await models.first.remove();
});

describe.runIf(hasPostgres())('abandon beside workers', () => {
  it('waits for the batch in flight, is no trouble to them, and the other generation misses nothing', async () => {
    const [backend] = databases();
    models = await twoModels();
    first = await openBackfill(await (backend as NonNullable<typeof backend>).create(), models.first, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '20',
      BACKFILL_SYNC_EVERY_SECONDS: '1',
      ...REPEATED_TEXTS,
    });
    const { pool, config, env } = first;
    const second = nextGeneration(first, models.second);
    await createDocs(pool, ROWS, `(ARRAY['garden', 'winter'])[1 + n % 2] || ' bread ' || n`);
    await first.enqueue();
    const held: (() => void)[] = [];
    let isHeld = true;
    const openEmbedder: OpenEmbedder = async (settings, ...more) => {
      const embedder = await sharedEmbedder(settings, ...more);
      if (settings.model.name !== models.second.name) return embedder;
      return {
        ...embedder,
        embed: async (...given) => {
          if (isHeld) await new Promise<void>((go) => held.push(go));
          return embedder.embed(...given);
        },
      };
    };
    const lines: { level: number; msg: string }[] = [];
    const stream = { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) };
    const logger = createLogger('info', stream as unknown as LogStream);
    worker = await startWorkers(config, pool, logger, ['embed', 'sync'], {
      openEmbedder,
      times: { generationsMs: 50, stalledIntervalMs: 500, passMs: 100 },
    });
    await until('the first one is embedded', async () => (await first.merged()) === ROWS / 20);
    await second.enqueue();
    await until('a batch of the second one is in flight', () => held.length > 0);

    const writer = startWriter(pool, ROWS, 20);
    const given = startVerb('abandon', ['--generation', '2', '--execute', '--json'], env);
    await until('its run is paused', async () => (await second.run()).state === 'paused');
    isHeld = false;
    for (const go of held) go();
    const ended = await given.ended;
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    expect(ended.json()).toMatchObject({ from: 'running', to: 'dropped', executed: true });
    await until('its services have ended', () =>
      lines.some(({ msg }) => msg.startsWith('generation is gone')),
    );
    await writer.stop();
    await untilSynced(first);
    await expectSynced(first);
    const left = await pool.query(
      `SELECT backfill FROM pgvector_backfill.change WHERE backfill = 'docs@2' UNION SELECT backfill FROM pgvector_backfill.run WHERE backfill = 'docs@2'
       UNION SELECT attname FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attname LIKE 'embedding_2%' AND NOT attisdropped`,
    );
    expect(left.rows).toEqual([]);
    const faults = lines.filter(({ level, msg }) => level >= WARN && !msg.includes('is not encrypted'));
    expect(faults).toEqual([]);
  });
});
