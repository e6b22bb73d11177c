/** A generation in a column and one beside the table: either may follow the other, and goes without touching it. */

import { afterEach, describe, expect, it } from 'vitest';
import { withValues } from '../../../src/config/shape.ts';
import { accountFor } from '../../../src/ledger/rows/accounting.ts';
import { describeTarget } from '../../../src/ledger/backfill/describe-target.ts';
import { planGeneration } from '../../../src/planning/generation/plan-generation.ts';
import { nearest } from '../../../src/search/queries/vector-query.ts';
import { databases, hasPostgres, type TestDatabase } from '../../setup/databases.ts';
import { embedderOf, openGenerations, ROWS, type TwoGenerations } from './two-generations.ts';

const database = (): Promise<TestDatabase> => {
  const [backend] = databases();
  return (backend as NonNullable<typeof backend>).create();
};

describe.runIf(hasPostgres())('generations in different stores', () => {
  let two: TwoGenerations;
  afterEach(() => two.close());

  const found = async (generation: 1 | 2): Promise<number> => {
    const { backfill, settings } = two.configs[generation];
    const target = await describeTarget(two.pool, backfill, settings);
    const vector = JSON.stringify(Array.from({ length: 8 * generation }, (_, at) => at - 3.5));
    return (await nearest(two.pool, target, 'cosine', vector, ROWS, 'index')).neighbours.length;
  };
  const embedded = async (generation: 1 | 2): Promise<object> => {
    const { backfill, settings } = two.configs[generation];
    const target = await describeTarget(two.pool, backfill, settings);
    return accountFor(two.pool, target, embedderOf(generation).fingerprint);
  };
  const present = async (...names: string[]): Promise<boolean[]> =>
    (
      await two.pool.query<{ there: boolean }>(
        'SELECT to_regclass(name) IS NOT NULL AS there FROM unnest($1::text[]) WITH ORDINALITY AS n (name, at) ORDER BY at',
        [names],
      )
    ).rows.map(({ there }) => there);
  const columns = async (): Promise<string[]> =>
    (
      await two.pool.query<{ name: string }>(
        `SELECT attname::text AS name FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      )
    ).rows.map(({ name }) => name);

  it('from a column to a table: another store is another generation, and the column goes once reads have left it', async () => {
    two = await openGenerations(await database(), { stores: ['column', 'table'] });
    await two.plan(1);
    const { config } = {
      config: { ...two.configs[1], settings: withValues(two.configs[1].settings, [['store', 'table']]) },
    };
    const planned = await planGeneration(two.pool, config, { beside: false, inPlace: false }, () =>
      Promise.resolve(8),
    );
    expect(planned).toMatchObject({
      generation: 2,
      config: { backfill: 'docs@2', settings: { store: 'table', column: 'embedding_2' } },
      beside: { generation: 1, column: 'embedding' },
    });
    await expect(
      planGeneration(two.pool, config, { beside: false, inPlace: true }, () => Promise.resolve(8)),
    ).rejects.toMatchObject({ code: 'IN_PLACE' });
    await two.plan(2);
    expect([await found(1), await found(2)]).toEqual([ROWS, ROWS]);
    expect([await embedded(1), await embedded(2)]).toEqual([
      expect.objectContaining({ embedded: ROWS }),
      expect.objectContaining({ embedded: ROWS }),
    ]);
    await two.reads({
      mode: 'vector',
      percent: null,
      generation: 2,
      base: { mode: 'vector', generation: 1 },
    });
    const done = await two.verb('complete', '--generation', '1', '--execute');
    expect(done).toMatchObject({ code: 0 });
    expect(await columns()).toEqual(['id', 'body']);
    expect(await present('docs_embedding_2', 'docs_embedding_2_hnsw_idx')).toEqual([true, true]);
    expect(await found(2)).toBe(ROWS);
    expect((await two.verb('status')).json()).toMatchObject({
      generations: [{ generation: 2, store: 'table', column: null }],
    });
    expect((await two.verb('rollback', '--to-legacy-schema', '--execute')).code).toBe(0);
    expect(await present('docs_embedding_2', 'pgvector_backfill.backfill')).toEqual([false, false]);
  });

  it('from a table to a column: the table goes, with its space, and not while a view of somebody stands on it', async () => {
    two = await openGenerations(await database(), { stores: ['table', 'column'] });
    await two.plan(1);
    await two.plan(2);
    await two.reads({
      mode: 'vector',
      percent: null,
      generation: 2,
      base: { mode: 'vector', generation: 1 },
    });
    await two.pool.query('CREATE VIEW shown AS SELECT id FROM docs_embedding');
    expect((await two.verb('complete', '--generation', '1', '--execute')).json()).toMatchObject({
      error: { code: 'GENERATION_IN_USE' },
    });
    expect(await present('docs_embedding')).toEqual([true]);
    await two.pool.query('DROP VIEW shown');
    const done = (await two.verb('complete', '--generation', '1', '--execute')).json() as {
      to: string;
      bytes: { table: number; freed: { table: number } };
    };
    expect(done.to).toBe('dropped');
    expect(done.bytes.table).toBeGreaterThan(0);
    expect(done.bytes.freed.table).toBeGreaterThan(0);
    expect(await present('docs_embedding', 'docs_embedding_hnsw_idx')).toEqual([false, false]);
    expect(await columns()).toEqual(['id', 'body', 'embedding_2', 'embedding_2_updated_at']);
    expect(await found(2)).toBe(ROWS);
  });

  it('a table that was given up leaves the column as it was', async () => {
    two = await openGenerations(await database(), { stores: ['column', 'table'] });
    await two.plan(1);
    await two.plan(2);
    const before = await embedded(1);
    expect(await two.verb('abandon', '--generation', '2', '--execute')).toMatchObject({ code: 0 });
    expect(await present('docs_embedding_2', 'docs_embedding_hnsw_idx')).toEqual([false, true]);
    expect(await embedded(1)).toEqual(before);
  });
});
