/** A generation goes while workers are at work for it, and the application writes: they end in order, and keep the other in line. */

import { afterEach, describe, expect, it } from 'vitest';
import type { OpenEmbedder } from '../../../src/embedding/embedder.ts';
import { describeTarget } from '../../../src/ledger/backfill/describe-target.ts';
import { syncState } from '../../../src/ledger/changes/drain-lease.ts';
import { accountFor } from '../../../src/ledger/rows/accounting.ts';
import { createLogger, type LogStream } from '../../../src/observability/logger.ts';
import { startWorkers } from '../../../workers/process.ts';
import type { WorkerProcess } from '../../../src/worker/process.ts';
import { startVerb } from '../../setup/command.ts';
import { databases, hasPostgres } from '../../setup/databases.ts';
import { startWriter } from '../../setup/live-writer.ts';
import { until } from '../../setup/until.ts';
import { ROWS, embedderOf, openGenerations, type TwoGenerations } from './two-generations.ts';

/** Of pino. */
const WARN = 40;

let two: TwoGenerations;
let worker: WorkerProcess | null = null;
afterEach(async () => {
  await worker?.drain();
  worker = null;
  await two.close();
});

describe.runIf(hasPostgres())('abandon beside workers', () => {
  it('waits for the batch in flight, is no trouble to them, and the other generation misses nothing', async () => {
    const [backend] = databases();
    two = await openGenerations(await (backend as NonNullable<typeof backend>).create(), {
      options: { BACKFILL_SYNC_EVERY_SECONDS: '1' },
    });
    const { pool, env, configs } = two;
    await two.plan(1);
    await two.reads({ mode: 'vector', percent: null, generation: 1 });
    await two.plan(2, false);
    const held: (() => void)[] = [];
    let isHeld = true;
    const openEmbedder: OpenEmbedder = ({ model }) => {
      if (model.name !== configs[2].settings.model.name) return Promise.resolve(embedderOf(1));
      const embedder = embedderOf(2);
      return Promise.resolve({
        ...embedder,
        embed: async (...given) => {
          if (isHeld) await new Promise<void>((go) => held.push(go));
          return embedder.embed(...given);
        },
      });
    };
    const lines: { level: number; msg: string }[] = [];
    const stream = { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) };
    const logger = createLogger('info', stream as unknown as LogStream);
    worker = await startWorkers(configs[1], pool, logger, ['embed', 'sync'], {
      openEmbedder,
      times: { generationsMs: 50, stalledIntervalMs: 500, passMs: 100 },
    });
    await until('a batch of the second one is in flight', () => held.length > 0);

    const writer = startWriter(pool, ROWS, 20);
    const given = startVerb('abandon', ['--generation', '2', '--execute', '--json'], env);
    await until('its run is paused', async () => (await two.run(2))?.state === 'paused');
    isHeld = false;
    for (const go of held) go();
    const ended = await given.ended;
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    expect(ended.json()).toMatchObject({ from: 'running', to: 'dropped', executed: true });
    await until('its services have ended', () =>
      lines.some(({ msg }) => msg.startsWith('generation is gone')),
    );
    await writer.stop();
    await until(
      'no captured change of the first one is left',
      async () => (await syncState(pool, 'docs')).pending === 0,
    );
    const target = await describeTarget(pool, 'docs', configs[1].settings);
    const rows = await accountFor(pool, target, embedderOf(1).fingerprint);
    expect(rows).toMatchObject({ stale: 0, missing: 0, quarantined: 0 });
    expect(rows.embedded + rows.skipped).toBe(rows.eligible);
    const left = await pool.query(
      `SELECT backfill FROM pgvector_backfill.change WHERE backfill = 'docs@2' UNION SELECT backfill FROM pgvector_backfill.run WHERE backfill = 'docs@2'
       UNION SELECT attname FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attname LIKE 'embedding_2%' AND NOT attisdropped`,
    );
    expect(left.rows).toEqual([]);
    const faults = lines.filter(({ level, msg }) => level >= WARN && !msg.includes('is not encrypted'));
    expect(faults).toEqual([]);
  });
});
