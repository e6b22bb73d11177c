/** `status` of two generations: nothing that is shown of one can be taken for the other. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readsOf, type GenerationProgress } from '../../src/ledger/progress/generation-progress.ts';
import { LEGACY_BASE, type ReadBase } from '../../src/ledger/reads/read-mode.ts';
import { openGenerations, type TwoGenerations } from '../cutover/generation/two-generations.ts';
import { databases, hasPostgres } from '../setup/databases.ts';
import { addReadCounts, emptyCounts } from '../../src/ledger/reads/read-stats.ts';
import { runCommand, startVerb } from '../setup/command.ts';

interface StatusJson extends GenerationProgress {
  backfill: string;
  readMode: { mode: string; percent: number | null; generation: number; base: ReadBase };
  generations: GenerationProgress[];
}

describe.runIf(hasPostgres())('status of two generations', () => {
  let two: TwoGenerations;
  const status = async (...args: string[]): Promise<StatusJson> =>
    (await two.verb('status', ...args)).json() as StatusJson;
  beforeAll(async () => {
    const [backend] = databases();
    two = await openGenerations(await backend!.create());
    await two.plan(1);
  });
  afterAll(() => two.close());

  it('of one is as it ever was, with a list of that one', async () => {
    expect(await status()).toMatchObject({
      backfill: 'docs',
      generation: 1,
      state: 'ready',
      generations: [{ generation: 1, state: 'ready', column: 'embedding', reads: null, verification: null }],
    });
    const { stdout } = await runCommand('status', [], two.env);
    expect(stdout).not.toContain('generation');
  });

  it('shows the live one, and each of them with its rows, lag, index, verdict and part in the reads', async () => {
    await two.plan(2, false);
    await two.reads({
      mode: 'canary',
      percent: 10,
      generation: 2,
      base: { mode: 'vector', generation: 1 },
    });
    await two.pool.query(
      `INSERT INTO pgvector_backfill.change (backfill, key, at) VALUES ('docs@2', '1', now() - interval '1 hour')`,
    );
    const run = (await two.run(1))!.id;
    await two.pool.query(
      `INSERT INTO pgvector_backfill.verification (backfill, run, passed, checks, result) VALUES ('docs', $1, true, '[]', '{}')`,
      [run],
    );
    const seen = await status();
    expect(seen).toMatchObject({
      backfill: 'docs',
      generation: 1,
      coverage: 1,
      sync: { pending: 0 },
      readMode: { mode: 'canary', percent: 10, generation: 2, base: { mode: 'vector', generation: 1 } },
    });
    expect(seen.generations).toMatchObject([
      {
        generation: 1,
        run,
        model: 'hash-1',
        dimensions: 8,
        column: 'embedding',
        state: 'ready',
        coverage: 1,
        rows: { eligible: 60, embedded: 60, pending: 0 },
        sync: { pending: 0, lagSeconds: 0 },
        reads: 'live',
        verification: { passed: true, failed: [] },
      },
      {
        generation: 2,
        model: 'hash-2',
        dimensions: 16,
        column: 'embedding_2',
        state: 'running',
        coverage: 0,
        rows: { eligible: 60, embedded: 0, pending: 60 },
        sync: { pending: 1 },
        index: { valid: false },
        reads: 'canary:10',
        verification: null,
      },
    ]);
    expect(seen.generations[1]!.sync.lagSeconds).toBeGreaterThan(3500);
    expect(await status('--generation', '2')).toMatchObject({
      backfill: 'docs',
      generation: 2,
      coverage: 0,
      sync: { pending: 1 },
      generations: [{ generation: 1 }, { generation: 2 }],
    });
    const { stdout } = await runCommand('status', ['--generation', '2'], two.env);
    expect(stdout).toMatch(/^docs, generation 2 {2}run \d+ {2}running/);
    expect(stdout).toMatch(
      /^generation 1 {2}ready; reads live; hash-1, 8 dimensions, column embedding; .*; verified /m,
    );
    expect(stdout).toMatch(
      /^generation 2 {2}running.*; reads canary:10; hash-2, 16 dimensions, column embedding_2; coverage 0\.0 %, 60 rows left; sync lag 1 h .*, 1 changes; index not built yet; not verified$/m,
    );
  });

  it('tells what was tried of the generation that was tried, and beside which search', async () => {
    await two.reads({
      mode: 'shadow',
      percent: null,
      generation: 2,
      base: { mode: 'vector', generation: 1 },
    });
    const compared = { ...emptyCounts(), searches: 4, overlap: 2, rankCorrelation: 1 };
    await addReadCounts(two.pool, 'docs@2', compared);
    const [first, second] = (await status()).generations;
    expect([first!.reads, first!.shadow.searches, second!.reads, second!.shadow]).toMatchObject([
      'live',
      0,
      'shadow',
      { searches: 4, overlap: 0.5 },
    ]);
    const said = async (...args: string[]): Promise<string> =>
      (await runCommand('status', args, two.env)).stdout;
    expect(await said()).not.toMatch(/^shadow/m);
    expect(await said('--generation', '2')).toMatch(
      /^shadow {3}4 compared, .*p50 \/ p95: generation 1 .*, generation 2 /m,
    );
  });

  it('watches both, a line each look', async () => {
    const watching = startVerb('status', ['--watch'], two.env);
    await watching.waitFor(/^ready: 60\/60 rows.* \| generation 2 running.*: 0\/60 rows/m);
    watching.interrupt();
    expect(await watching.ended).toMatchObject({ code: 0 });
  });
});

describe('a part in the reads', () => {
  it.each([
    [{ mode: 'legacy', percent: null, generation: null, base: LEGACY_BASE }, [null, null]],
    [
      { mode: 'vector', percent: null, generation: 2, base: { mode: 'vector', generation: 1 } },
      ['previous', 'live'],
    ],
    [
      { mode: 'shadow', percent: null, generation: 2, base: { mode: 'hybrid', generation: 1 } },
      ['live', 'shadow'],
    ],
    [{ mode: 'canary', percent: 5, generation: 1, base: LEGACY_BASE }, ['canary:5', null]],
  ] as const)('%o', (choice, parts) => {
    expect([readsOf(choice, 1), readsOf(choice, 2)]).toEqual(parts);
  });
});
