/** What holds of a table at rest, whatever was written to it before. */

import { expect } from 'vitest';
import { keyRefs, keyTextSql, legacyKey, sameKeySql } from '../../src/table/key.ts';
import { vectorColumn, vectorRows } from '../../src/table/stored-vectors.ts';
import { syncState } from '../../src/ledger/changes/drain-lease.ts';
import type { TestBackfill } from './backfill.ts';
import { sharedEmbedder } from './embedder.ts';
import { until } from './until.ts';

/** Until no captured change is left. Workers have to be up. */
export async function untilSynced({ pool, config }: TestBackfill): Promise<void> {
  await until(
    'no captured change is left',
    async () => (await syncState(pool, config.backfill)).pending === 0,
  );
}

/** Workers until no captured change is left: after a run they are what is left to do. */
export async function drainChanges(backfill: TestBackfill): Promise<void> {
  const workers = await backfill.workers();
  try {
    await untilSynced(backfill);
  } finally {
    await workers.drain();
  }
}

/** Every vector is that of its row's present text, computed again; every row is accounted for; nothing else is staged. */
export async function expectSynced(backfill: TestBackfill): Promise<void> {
  const { pool, config } = backfill;
  const target = await backfill.target();
  const { table, stage, text, where, store } = target;
  const column = vectorColumn(target);
  const key = legacyKey(target);
  const staged = keyRefs(target, 's.');
  const rows = await backfill.account();
  expect(rows.embedded + rows.skipped + rows.quarantined).toBe(rows.eligible);
  expect(rows).toMatchObject({ stale: 0, missing: 0 });
  const orphans = await pool.query(
    `SELECT ${staged.join(', ')} FROM ${stage} s WHERE NOT EXISTS (SELECT 1 FROM ${vectorRows(target, 'first')} WHERE ${sameKeySql(target, key, staged)} AND ${where} AND ${column} IS NOT NULL)`,
  );
  expect(orphans.rows).toEqual([]);
  if (store.kind === 'table') {
    const gone = await pool.query(
      `SELECT ${staged.join(', ')} FROM ${store.table} s WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE ${sameKeySql(target, key, staged)} AND ${where})`,
    );
    expect(gone.rows).toEqual([]);
  }
  const set = await pool.query(
    `SELECT q.key FROM pgvector_backfill.quarantine q WHERE q.backfill = $1 AND NOT EXISTS (SELECT 1 FROM ${table} WHERE ${keyTextSql(target, key)} = q.key AND ${where})`,
    [config.backfill],
  );
  expect(set.rows).toEqual([]);
  const stored = await pool.query<{ text: string; vector: string }>(
    `SELECT ${text} AS text, ${column}::text AS vector FROM ${vectorRows(target, 'first')} WHERE ${column} IS NOT NULL AND ${where}`,
  );
  expect(stored.rows.length).toBe(rows.embedded);
  if (config.settings.model.longText === 'chunks') return expectPassages(backfill);
  const embedder = await sharedEmbedder(config.settings, 1);
  try {
    const { vectors } = await embedder.embed(stored.rows.map((row) => row.text));
    let worst = 0;
    for (const [at, row] of stored.rows.entries())
      for (const [index, component] of (JSON.parse(row.vector) as number[]).entries())
        worst = Math.max(worst, Math.abs(component - (vectors[at * embedder.dimensions + index] ?? 2)));
    expect(worst).toBeLessThan(1e-5);
  } finally {
    await embedder.close();
  }
}

/** Every row has the passages of its present text, in their places, each with its vector, and no other one. */
async function expectPassages(backfill: TestBackfill): Promise<void> {
  const { pool, config } = backfill;
  const target = await backfill.target();
  const { store, text, where } = target;
  const same = sameKeySql(target, legacyKey(target), keyRefs(target, 'v.'));
  const stored = await pool.query<{ text: string; passages: [number, number, number, string][] }>(
    `SELECT ${text} AS text, (SELECT json_agg(json_build_array(chunk, chunk_start, chunk_end, embedding::text) ORDER BY chunk) FROM ${store.table} v WHERE ${same}) AS passages
       FROM ${target.table} WHERE ${where} AND EXISTS (SELECT FROM ${store.table} v WHERE ${same})`,
  );
  const embedder = await sharedEmbedder(config.settings, 1);
  try {
    const cut = await embedder.cutPassages?.(stored.rows.map((row) => row.text));
    for (const [at, { passages }] of stored.rows.entries()) {
      const wanted = cut?.texts[at]?.passages ?? [];
      const { vectors, faults } = await embedder.embed(
        wanted.map((passage) => passage.text),
        { as: 'passage' },
      );
      const own = wanted.flatMap(({ start, end }, place) =>
        faults[place] === 0 ? [{ start, end, place }] : [],
      );
      expect(passages.map((each) => each.slice(0, 3))).toEqual(
        own.map(({ start, end }, number) => [number, start, end]),
      );
      for (const [number, { place }] of own.entries())
        for (const [index, component] of (JSON.parse(passages[number]?.[3] ?? '[]') as number[]).entries())
          expect(Math.abs(component - (vectors[place * embedder.dimensions + index] ?? 2))).toBeLessThan(
            1e-5,
          );
    }
  } finally {
    await embedder.close();
  }
}
