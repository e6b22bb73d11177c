/**
 * Many faults against one run, in random order. The suite has a short one whose seed is always the same; `npm run
 * test:chaos` a long one with a seed of its own. The seed is printed: CHAOS_SEED repeats the order (what the servers make of
 * it has timing of its own), CHAOS_ACTIONS sets its length, CHAOS_STORE the store of the vectors.
 */

import { describe, expect, inject, it } from 'vitest';
import { uniform } from '../../src/random.ts';
import { REPEATED_TEXTS, openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { hasRedis, realDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { startProxy } from '../setup/proxy.ts';
import { drainChanges } from '../setup/synced.ts';
import { Chaos, ROWS, WORDS } from './faults.ts';
import { wrongVectors } from './wrong-vectors.ts';

const LONG = process.env['CHAOS_ACTIONS'];
const ACTIONS = Number(LONG ?? 12);
const SEED = Number(
  process.env['CHAOS_SEED'] ?? (LONG === undefined ? 20_261_129 : Math.floor(Math.random() * 1e9)),
);
/** In a column, or beside the table with a vector for each passage; of a long run its seed decides. */
const STORE = process.env['CHAOS_STORE'] ?? (LONG === undefined || SEED % 2 === 0 ? 'column' : 'table');
const PASSAGES: Record<string, string> =
  STORE === 'table'
    ? {
        BACKFILL_STORE: STORE,
        BACKFILL_MODEL_LONG_TEXT: 'chunks',
        BACKFILL_MODEL_MAX_TOKENS: '16',
        BACKFILL_MODEL_CHUNK_OVERLAP: '2',
      }
    : {};
/** Rounds of enqueue and work in the quiet after the faults. */
const MAX_ROUNDS = 6;

describe.runIf(hasRedis())('chaos', () => {
  const model = sampleModel();

  it(
    `loses nothing and leaves nothing stale, seed ${SEED}, ${ACTIONS} faults`,
    { timeout: 120_000 + ACTIONS * 60_000 },
    async () => {
      process.stdout.write(`chaos: CHAOS_SEED=${SEED} CHAOS_ACTIONS=${ACTIONS} CHAOS_STORE=${STORE}\n`);
      const redisUrl = inject('redisUrl') ?? '';
      const server = await realDatabase(redisUrl);
      const open = (text: string): Promise<TestBackfill> =>
        openBackfill(server, model, {
          BACKFILL_TABLE: 'public.docs',
          BACKFILL_TEXT: text,
          BACKFILL_BATCH_ROWS: '20',
          BACKFILL_LOG_LEVEL: 'info',
          BACKFILL_DRAIN_SECONDS: '20',
          ...REPEATED_TEXTS,
          ...PASSAGES,
        });
      const backfills = [await open('body'), await open('title,body')] as const;
      const [{ pool }] = backfills;
      await createDocs(pool);
      await pool.query(`ALTER TABLE docs ADD COLUMN title text DEFAULT 'garden'`);
      await pool.query(
        `INSERT INTO docs SELECT n, 'bread ' || ($2::text[])[1 + n % 11] || ' ' || ($2::text[])[1 + n / 11 % 11] || CASE n % 50 WHEN 0 THEN NULL WHEN 1 THEN repeat(' rain bread ' || n, 20) ELSE '' END
         FROM generate_series(0, $1::int - 1) n`,
        [ROWS, WORDS],
      );
      await backfills[0].enqueue();
      const [database, redis] = await Promise.all([
        startProxy(() => inject('postgresUrl') ?? ''),
        startProxy(() => redisUrl),
      ]);
      const chaos = new Chaos({ backfills, database, redis, redisUrl, random: uniform(SEED) });
      await chaos.run(ACTIONS);
      await chaos.calm();
      const { current } = chaos;
      for (let round = 0; round < MAX_ROUNDS; round++) {
        await current.enqueue();
        const { state: settled } = await current.work();
        if (settled === 'ready') await drainChanges(current);
        const { missing, stale } = await current.account();
        if (missing + stale === 0 && (await current.snapshot()).state === 'ready') break;
      }
      const told = `seed ${SEED}: ${chaos.log.join(', ')}`;
      expect(chaos.passedWrongly, told).toEqual([]);
      const account = await current.account();
      expect(account, told).toMatchObject({ missing: 0, stale: 0, quarantined: 0 });
      expect(account.embedded + account.skipped, told).toBe(account.eligible);
      const { state, reason, index } = await untilSettled(current.pool, current.config.backfill);
      expect({ state, reason, valid: index.valid }, told).toEqual({
        state: 'ready',
        reason: '',
        valid: true,
      });
      expect(await wrongVectors(current), told).toEqual([]);
      await Promise.all([database.close(), redis.close(), ...backfills.map((each) => each.close())]);
    },
  );
});
