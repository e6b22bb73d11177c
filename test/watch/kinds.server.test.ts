/** A pass over every kind of index and store, whole and by a sample, and what a rebuild makes of each. */

import { afterEach, describe, expect, it } from 'vitest';
import { latestRun } from '../../src/ledger/run/run.ts';
import { indexParts } from '../../src/finalize/build/rebuild.ts';
import { indexOf, rebuildIndex } from '../../src/finalize/rebuild.ts';
import type { WatchResult } from '../../src/ledger/passes/pass-result.ts';
import { targetOfRun } from '../../src/ledger/run/run-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { watchPass } from '../../src/watch/pass.ts';
import { REPEATED_TEXTS, openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { sharedEmbedder } from '../setup/embedder.ts';
import { sampleModel } from '../setup/model.ts';
import { createDistinctDocs } from './worn-docs.ts';

const ROWS = 400;

describe.runIf(hasPostgres())('a pass of the watch', () => {
  let backfill: TestBackfill;
  afterEach(() => backfill.close());

  async function measure(maxRows: number): Promise<WatchResult> {
    const { pool, config } = backfill;
    const run = (await latestRun(pool, config.backfill))!;
    const { target, settings } = await targetOfRun(pool, run, config.settings);
    const pass = await watchPass({
      pool,
      target,
      run,
      settings: { ...settings, watch: { ...settings.watch, rows: 20, maxRows } },
      openEmbedder: () => sharedEmbedder(settings, 1),
      holds: () => Promise.resolve(false),
    });
    return pass!.result;
  }

  it.each<[string, Record<string, string>, string]>([
    ['bits in a column', { BACKFILL_INDEX_TYPE: 'bit' }, 'hnsw.ef_search'],
    [
      'passages in a table beside, as halfvec',
      {
        BACKFILL_STORE: 'table',
        BACKFILL_INDEX_TYPE: 'halfvec',
        BACKFILL_MODEL_LONG_TEXT: 'chunks',
        BACKFILL_MODEL_CHUNK_TOKENS: '16',
        BACKFILL_MODEL_CHUNK_OVERLAP: '0',
      },
      'hnsw.ef_search',
    ],
    [
      'lists of a partitioned table',
      { BACKFILL_TABLE: 'parts', BACKFILL_INDEX_METHOD: 'ivfflat', BACKFILL_INDEX_LISTS: '8' },
      'ivfflat.probes',
    ],
  ])('is of %s', async (_, options, setting) => {
    backfill = await openBackfill(await realDatabase(), sampleModel(), {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_WATCH_MODE: 'off',
      ...REPEATED_TEXTS,
      ...options,
    });
    const { pool, config } = backfill;
    await createDistinctDocs(pool, ROWS);
    await pool.query(`
      CREATE TABLE parts (id bigint PRIMARY KEY, body text) PARTITION BY RANGE (id);
      CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (100);
      CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (MAXVALUE);
      INSERT INTO parts SELECT * FROM docs`);
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({ state: 'ready' });

    const whole = await measure(1_000_000);
    expect(whole).toMatchObject({ setting, compared: 1, cutShort: null, freshness: { passed: true } });
    const recall = whole.points[0]!.recall.rows!;
    expect(recall.queries).toBe(20);
    expect(recall.recall).toBeGreaterThan(0.5);
    expect(whole.filtered[0]).toMatchObject({ selectivity: 0.01, queries: 10 });
    expect(whole.wear.liveRows).toBeGreaterThan(ROWS / 2);
    expect(whole.wear.indexBytes).toBeGreaterThan(0);
    const sampled = await measure(ROWS / 2);
    expect(sampled.compared).toBeLessThanOrEqual(0.5);
    expect(sampled.points[0]!.recall.rows!.high).toBeGreaterThanOrEqual(recall.low);

    const run = await backfill.run();
    const target = await backfill.target();
    const oids = (await indexParts(pool, indexOf(target))).map(({ oid }) => oid);
    const rebuilt = await rebuildIndex(
      {
        pool,
        target,
        settings: config.settings,
        run,
        logger: silentLogger,
        onProgress: () => Promise.resolve(),
      },
      oids,
    );
    expect(rebuilt).toMatchObject({ kind: 'rebuilt', built: true });
    const after = (await indexParts(pool, indexOf(target))).map(({ oid }) => oid);
    expect(after.filter((oid) => oids.includes(oid))).toEqual([]);
    expect(after).toHaveLength(oids.length);
  });
});
