/** Reads go from one generation to another and back by the verbs, and what they have in SQL goes with them. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Pool } from '../../../src/db/pool.ts';
import type { WantedReads } from '../../../src/ledger/reads/read-mode.ts';
import { saveReadReport } from '../../../src/ledger/reads/read-report.ts';
import { addReadCounts, emptyCounts } from '../../../src/ledger/reads/read-stats.ts';
import { databases, hasPostgres } from '../../setup/databases.ts';
import { openGenerations, type TwoGenerations } from './two-generations.ts';

const SECOND: WantedReads = {
  mode: 'vector',
  percent: null,
  generation: 2,
  base: { mode: 'vector', generation: 1 },
};

let two: TwoGenerations;
afterEach(() => two.close());

const cutover = async (to: string, ...args: string[]): Promise<Record<string, unknown>> => {
  const { code, json, stderr } = await two.verb(
    'cutover',
    '--to',
    to,
    '--execute',
    '--override',
    'a test',
    ...args,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return json() as Record<string, unknown>;
};
const rollback = async (...args: string[]): Promise<Record<string, unknown>> =>
  (await two.verb('rollback', '--execute', ...args)).json() as Record<string, unknown>;
const states = async (): Promise<(string | undefined)[]> => [
  (await two.run(1))?.state,
  (await two.run(2))?.state,
];

/** By a vector of so many dimensions. */
async function call(pool: Pool, dimensions: number): Promise<number> {
  const vector = JSON.stringify(Array.from({ length: dimensions }, (_, at) => at + 1));
  const found = await pool.query('SELECT * FROM search_docs($1, 3)', [vector]);
  return found.rows.length;
}

describe.runIf(hasPostgres())('reads by the verbs', () => {
  it('go by degrees to another generation, back to the one before, and to the legacy search', async () => {
    const [backend] = databases();
    two = await openGenerations(await (backend as NonNullable<typeof backend>).create());
    const { pool } = two;
    await two.plan(1);
    expect(await cutover('vector')).toMatchObject({ generation: 1, fromGeneration: null, to: 'vector' });
    await pool.query('CREATE VIEW found AS SELECT key FROM search_docs(NULL, 3)');
    await two.plan(2);
    await addReadCounts(pool, 'docs@2', { ...emptyCounts(), searches: 5 });

    // What is live is meant where nothing else is named.
    const same = (await two.verb('cutover', '--to', 'vector')).json() as { plan: string[]; notes: string[] };
    expect(same).toMatchObject({ generation: 1, plan: [] });
    expect(same.notes.join()).toContain('--generation 2');
    const trial = await cutover('canary:10', '--generation', '2');
    expect(trial).toMatchObject({
      backfill: 'docs',
      generation: 2,
      fromGeneration: 1,
      from: 'vector',
      to: 'canary:10',
      gate: { reason: 'nothing was verified yet' },
    });
    expect((trial['plan'] as string[]).join('\n')).toContain(
      'read mode vector → canary:10 of generation 2, the rest vector of generation 1',
    );
    expect((trial['notes'] as string[]).join()).toContain('Back at any time (to vector)');
    const both = (await two.verb('cutover', '--to', 'interleave:20', '--generation', '2')).json();
    expect(both).toMatchObject({ executed: false, from: 'canary:10', to: 'interleave:20' });
    expect((both as { plan: string[] }).plan.join('\n')).toContain(
      '→ interleave:20 of generation 2 with vector of generation 1, which answers the rest',
    );
    const counts = await pool.query(`SELECT 1 FROM pgvector_backfill.read_stats WHERE backfill = 'docs@2'`);
    expect(counts.rows).toEqual([]);
    // In a trial the function is of the generation that answers besides, and says so to whoever has the other's vector.
    expect(await states()).toEqual(['cut_over', 'ready']);
    expect(await call(pool, 8)).toBe(3);
    await expect(call(pool, 16)).rejects.toMatchObject({
      code: '22023',
      message:
        'search_docs asks by the vectors of generation 1 of docs, which have 8 dimensions; the query vector has 16',
      hint: expect.stringContaining('embed()') as string,
    });

    // On trial is meant, where one is.
    const moved = await cutover('hybrid');
    expect(moved).toMatchObject({ generation: 2, from: 'canary:10', to: 'hybrid' });
    expect((moved['notes'] as string[]).join()).toContain('asks by the vectors of generation 2 from then on');
    expect(await states()).toEqual(['ready', 'cut_over']);
    expect(await call(pool, 16)).toBe(3);
    await expect(call(pool, 8)).rejects.toMatchObject({ code: '22023' });
    const shown = (await two.verb('search', '--sql')).json() as { generation: number; definition: string };
    expect(shown).toMatchObject({ backfill: 'docs', generation: 2, function: '"public"."search_docs"' });
    expect(shown.definition).toContain('"embedding_2"');

    expect(await rollback()).toMatchObject({
      generation: 1,
      fromGeneration: 2,
      from: 'hybrid',
      to: 'vector',
      executed: true,
    });
    expect(await states()).toEqual(['cut_over', 'ready']);
    expect(await call(pool, 8)).toBe(3);
    // A view that stands on it has held through all of it.
    expect((await pool.query('SELECT count(*)::int AS n FROM found')).rows).toEqual([{ n: 3 }]);
    expect(await rollback()).toMatchObject({ from: 'vector', to: 'legacy', generation: null });
    expect(await states()).toEqual(['ready', 'ready']);

    // Of two that are ready the newer one; not while a machine of it has no model.
    const { fingerprint = '' } = (await two.run(2)) ?? {};
    const report = { host: 'app-1', fingerprint, fault: 'MODEL_FILES_MISSING', ms: 1 };
    await saveReadReport(pool, 'docs@2', report);
    const refused = await two.verb('cutover', '--to', 'vector', '--execute');
    expect(refused.code).toBe(3);
    expect(refused.json()).toMatchObject({
      generation: 2,
      error: {
        code: 'CUTOVER_GATE',
        message: expect.stringContaining('app-1 cannot answer by vectors (MODEL_FILES_MISSING)') as string,
        remedy: expect.stringContaining('verify --generation 2') as string,
      },
    });

    // Back from a generation whatever has become of it.
    await two.reads(SECOND);
    await pool.query('ALTER TABLE docs DROP COLUMN embedding_2');
    await pool.query(`DELETE FROM pgvector_backfill.run WHERE backfill = 'docs@2'`);
    expect(await rollback()).toMatchObject({ to: 'vector', generation: 1, notes: [] });
    expect(await call(pool, 8)).toBe(3);
    await two.reads(SECOND);
    // What cannot be made in SQL keeps no reads.
    await pool.query(
      'DROP FUNCTION search_docs CASCADE; CREATE FUNCTION search_docs(vector, integer) RETURNS int LANGUAGE sql AS $$SELECT 1$$',
    );
    const { notes } = await rollback();
    expect((notes as string[]).join()).toContain('is not made: the name is taken');
    await two.reads(SECOND);
    expect(await rollback('--to', 'legacy')).toMatchObject({ to: 'legacy', generation: null });
    expect((await two.verb('rollback', '--to', 'vector')).code).toBe(2);
  });
});
