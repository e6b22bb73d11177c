/** A generation is given up at whatever step it is, in whatever pieces, and the one beside it stays as it is. */

import { afterEach, describe, expect, it } from 'vitest';
import { runSteps, type PlannedStep } from '../../../src/cutover/planned-steps.ts';
import type { Pool } from '../../../src/db/pool.ts';
import { refusedByReads } from '../../../src/cutover/generation/in-use.ts';
import { catalogState } from '../../setup/catalog.ts';
import { databases, hasPostgres } from '../../setup/databases.ts';
import { openGenerations, type TableOptions, type TwoGenerations } from './two-generations.ts';

let two: TwoGenerations;
afterEach(() => two.close());

async function open(options: TableOptions = {}): Promise<void> {
  const [backend] = databases();
  two = await openGenerations(await (backend as NonNullable<typeof backend>).create(), options);
}

async function createPartitioned(pool: Pool, rows: number): Promise<void> {
  await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text) PARTITION BY RANGE (id)');
  await pool.query('CREATE TABLE docs_low PARTITION OF docs FOR VALUES FROM (1) TO (21)');
  await pool.query('CREATE TABLE docs_high PARTITION OF docs FOR VALUES FROM (21) TO (1000)');
  await pool.query(`INSERT INTO docs SELECT n, 'bread ' || n FROM generate_series(1, $1::int) n`, [rows]);
}

/** All that the ledger has of a generation but its events, and its queue has none. */
async function ledgerOf(name: string): Promise<unknown[]> {
  const tables = await two.pool.query<{ name: string }>(
    `SELECT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'backfill' AND NOT a.attisdropped
      WHERE c.relnamespace = 'pgvector_backfill'::regnamespace AND c.relkind = 'r' AND c.relname NOT IN ('event', 'turn', 'read_mode') ORDER BY 1`,
  );
  const rows: unknown[] = [];
  for (const { name: table } of tables.rows) {
    // Each makes the triggers again, with the other's part, and carries their print over.
    const found = await two.pool.query<{ row: unknown }>(
      `SELECT to_jsonb(t) - '{armed_as,looked_at,updated_at}'::text[] AS row FROM pgvector_backfill.${table} t WHERE backfill = $1 ORDER BY 1`,
      [name],
    );
    rows.push(...found.rows.map(({ row }) => [table, row]));
  }
  return rows;
}

const dropped = async (): Promise<unknown[]> =>
  (await two.pool.query(`SELECT name FROM pgvector_backfill.backfill WHERE dropped_at IS NOT NULL`)).rows;

describe.runIf(hasPostgres())('abandon', () => {
  it('ends the same wherever it was cut off, and leaves the live one as it was', async () => {
    await open();
    const { pool } = two;
    await two.plan(1);
    await two.reads({ mode: 'vector', percent: null, generation: 1 });
    const before = { catalog: await catalogState(pool, 'docs'), ledger: await ledgerOf('docs') };
    await two.plan(2);
    await two.ending(2, 'abandon', async (plan) => {
      const failed: string[] = [];
      const fault = new Error('cut off');
      // Each step does its work once and is cut off behind it, as a process is that is killed; then all begins again.
      const failingOnce = (each: PlannedStep): PlannedStep =>
        failed.includes(each.name)
          ? each
          : {
              ...each,
              run: async () => {
                failed.push(each.name);
                await each.run();
                throw fault;
              },
            };
      for (;;) {
        const { steps, refusal } = await plan();
        expect(refusal).toBeNull();
        const torn = await runSteps(steps.map(failingOnce)).catch((error: unknown) => error);
        if (torn === undefined) break;
        expect(torn).toBe(fault);
        if (failed.at(-1) === 'ledger') break;
      }
      expect(failed).toEqual(['halt', 'index', 'columns', 'staging', 'queue', 'ledger']);
    });
    expect(await dropped()).toEqual([{ name: 'docs@2' }]);
    expect({ catalog: await catalogState(pool, 'docs'), ledger: await ledgerOf('docs') }).toEqual(before);
    expect(await ledgerOf('docs@2')).toEqual([]);
    const missed = await pool.query(
      `SELECT message FROM pgvector_backfill.event WHERE kind IN ('sync.rearmed', 'sync.missed')`,
    );
    expect(missed.rows).toEqual([]);
  });

  it('takes neither the only one, nor one that reads use or have left; and a first one that they never went by', async () => {
    await open({ createTable: createPartitioned });
    const { pool, verb, reads } = two;
    const refusal = async (generation: 1 | 2): Promise<unknown> => {
      const refused = await refusedByReads(pool, two.configs[generation].backfill, 'abandon');
      return refused === null
        ? null
        : [refused.code, /`pgvector-backfill ([^`]*)`/.exec(refused.remedy)?.[1]];
    };
    await two.plan(1);
    const only = await verb('abandon', '--generation', '1', '--execute');
    expect({ code: only.code, json: only.json() }).toMatchObject({
      code: 3,
      json: {
        error: { code: 'ONLY_GENERATION', remedy: expect.stringContaining('--to-legacy-schema') as string },
      },
    });
    await two.plan(2, false);
    await reads({ mode: 'shadow', percent: null, generation: 2, base: { mode: 'vector', generation: 1 } });
    for (const generation of [1, 2] as const)
      expect(await refusal(generation)).toEqual(['GENERATION_IN_USE', 'rollback --execute']);
    await reads({ mode: 'hybrid', percent: null, generation: 2, base: { mode: 'vector', generation: 1 } });
    expect(await refusal(1)).toEqual(['GENERATION_IN_USE', 'complete --generation 1']);
    await reads({ mode: 'hybrid', percent: null, generation: 1 });
    expect(await refusal(2)).toBeNull();
    await reads({ mode: 'hybrid', percent: null, generation: 2 });
    await pool.query('CREATE VIEW low AS SELECT embedding FROM docs_low');
    expect((await verb('abandon', '--generation', '1', '--execute')).json()).toMatchObject({
      error: { code: 'GENERATION_IN_USE', message: expect.stringContaining('view public.low') as string },
    });
    await pool.query('DROP VIEW low');
    const bytes = await pool.query<{ n: number }>(
      `SELECT sum(pg_relation_size(inhrelid))::int AS n FROM pg_inherits WHERE inhparent = 'docs_embedding_hnsw_idx'::regclass`,
    );
    const done = await verb('abandon', '--generation', '1', '--execute', '--reason', 'a poor model');
    expect(done.json()).toMatchObject({ bytes: { freed: { index: bytes.rows[0]?.n } } });
    expect(done.json()).toMatchObject({
      action: 'abandon',
      generation: 1,
      from: 'ready',
      to: 'dropped',
      executed: true,
    });
    expect((await catalogState(pool, 'docs'))['columns']).toHaveLength(4);
    expect((await verb('abandon', '--generation', '1', '--execute')).json()).toMatchObject({ plan: [] });
  });
});

describe.runIf(hasPostgres())('rollback --to-legacy-schema', () => {
  it('takes all generations away, newest first, also where it was cut off between them', async () => {
    await open();
    const { pool, verb } = two;
    await pool.query('ALTER TABLE docs ADD COLUMN embedding_3 text');
    const before = await catalogState(pool, 'docs');
    const ours = before['relations'] as [string][];
    const outside = (relations: unknown): unknown =>
      (relations as [string][]).filter(([name]) => !name.startsWith('pgvector_backfill.'));
    await two.plan(1);
    await two.plan(2);
    await two.reads({
      mode: 'vector',
      percent: null,
      generation: 2,
      base: { mode: 'vector', generation: 1 },
    });
    const printed = (await verb('rollback', '--to-legacy-schema')).json() as { plan: string[] };
    expect(printed).toMatchObject({ from: 'vector', fromGeneration: 2, to: 'legacy-schema' });
    const order = [
      'read mode vector of generation 2 → legacy',
      'generation 2: pause run',
      'generation 1: pause run',
      'generation 2: DROP INDEX CONCURRENTLY IF EXISTS "public"."docs_embedding_2_hnsw_idx"',
      'generation 2: DROP TABLE IF EXISTS "pgvector_backfill"."docs_embedding_2_stage"',
      'generation 1: DROP INDEX CONCURRENTLY IF EXISTS "public"."docs_embedding_hnsw_idx"',
      'DROP SCHEMA pgvector_backfill',
    ].map((line) => printed.plan.findIndex((each) => each.startsWith(line)));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order[0]).toBe(0);
    // As if it had been cut off between the two, with reads legacy by then.
    await two.reads({ mode: 'legacy', percent: null });
    await pool.query('DROP INDEX docs_embedding_2_hnsw_idx');
    await pool.query('ALTER TABLE docs DROP COLUMN embedding_2, DROP COLUMN embedding_2_updated_at');
    expect((await verb('rollback', '--to-legacy-schema', '--execute')).code).toBe(0);
    const after = await catalogState(pool, 'docs');
    expect(after['relations']).toEqual(outside(ours));
    expect({ ...after, relations: null, functions: null }).toEqual({
      ...before,
      relations: null,
      functions: null,
    });
  });
});
