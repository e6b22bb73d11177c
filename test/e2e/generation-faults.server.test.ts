/** Two generations, and the process that serves both is killed, its queue lost: both end up in line with every text. */

import { expect, describe, inject, it } from 'vitest';
import { REPEATED_TEXTS, TO_BE_KILLED, openBackfill } from '../setup/backfill.ts';
import { runCommand, startCommand } from '../setup/command.ts';
import { hasRedis, realDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { nextGeneration, twoModels } from '../setup/generations.ts';
import { holdAt, letGo, untilHeld } from '../setup/held-statements.ts';
import { loseQueue } from '../setup/lose-queue.ts';
import { expectSynced, untilSynced } from '../setup/synced.ts';
import { until } from '../setup/until.ts';

const ROWS = 200;
const DOOMED = {
  times: { ...TO_BE_KILLED, generationsMs: 100, passMs: 200, reconcileMs: 500, scheduleMs: 500 },
};

describe.runIf(hasRedis())('two generations', () => {
  it('are both in line with every text after kills in the batches of one, in the sync of the other, and a lost queue', async () => {
    const redisUrl = inject('redisUrl') ?? '';
    const models = await twoModels();
    const first = await openBackfill(await realDatabase(redisUrl), models.first, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '50',
      BACKFILL_SYNC_EVERY_SECONDS: '1',
      ...REPEATED_TEXTS,
    });
    const { pool, env } = first;
    const second = nextGeneration(first, models.second);
    await createDocs(pool, ROWS, `(ARRAY['garden', 'winter', 'bread'])[1 + n % 3] || ' bread ' || n`);
    await first.enqueue();
    await first.work();
    const ahead = { ...env, BACKFILL_MODEL_NAME: 'second' };
    const planned = await runCommand('enqueue', ['--beside', '--json'], ahead);
    expect(planned.json()).toMatchObject({ generation: 2 });
    const edit = (word: string): Promise<unknown> =>
      pool.query(`UPDATE docs SET body = $1 || ' for a doctor ' || id WHERE id % 7 = 0`, [word]);

    /** A worker of its own process, killed while it writes that column. */
    const killedIn = async (column: string): Promise<void> => {
      const holder = await holdAt(env, `UPDATE OF ${column}`, 'docs');
      const worker = startCommand('worker', [], ahead, DOOMED);
      await edit(`rain ${column}`);
      await untilHeld(holder);
      worker.child.kill('SIGKILL');
      await worker.ended;
      await letGo(holder);
      await pool.query('DROP FUNCTION held CASCADE');
    };
    await killedIn('embedding_2');
    await killedIn('embedding');
    await edit('guitar');
    await pool.query(`DELETE FROM docs WHERE id % 50 = 1`);
    await loseQueue(pool, redisUrl);
    const rows = ROWS - ROWS / 50;

    const last = startCommand('worker', [], ahead, DOOMED);
    await until('both are ready', async () => {
      const [one, two] = [await first.snapshot(), await second.snapshot()];
      return one.state === 'ready' && two.state === 'ready';
    });
    for (const generation of [first, second]) {
      await untilSynced(generation);
      await expectSynced(generation);
      expect(await generation.account()).toMatchObject({ eligible: rows, embedded: rows });
      expect(await generation.snapshot()).toMatchObject({ index: { valid: true } });
    }
    last.child.kill('SIGTERM');
    expect((await last.ended).code).toBe(0);
    await first.close();
    await models.first.remove();
  });
});
