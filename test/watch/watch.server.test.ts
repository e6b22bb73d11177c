/** The watch from a fresh index to one that has worn out, and back. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WatchPass } from '../../src/ledger/passes/watch-pass.ts';
import { ProgressFeed } from '../../src/dashboard/feed/progress-feed.ts';
import { scrape } from '../../src/dashboard/metrics/scrape.ts';
import { progressPage } from '../../src/dashboard/pages/progress-page.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { listEvents } from '../../src/ledger/event/event.ts';
import type { WorkerProcess } from '../../src/worker/process.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { untilSynced } from '../setup/synced.ts';
import { ROWS, WEARING, createDistinctDocs, editAll } from './worn-docs.ts';

const EDITS = 3;

describe.runIf(hasPostgres())('an index that wears out', () => {
  const model = sampleModel();
  let backfill: TestBackfill;
  let workers: WorkerProcess;
  beforeAll(async () => {
    backfill = await openBackfill(await realDatabase(), model, WEARING);
    await createDistinctDocs(backfill.pool);
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({ state: 'ready' });
    workers = await backfill.workers();
  });
  afterAll(async () => {
    await workers.drain();
    await backfill.close();
  });

  const run = (verb: string, ...args: string[]): Promise<CommandResult> =>
    runCommand(verb, args, backfill.env);
  const events = async (): Promise<string[]> =>
    (await listEvents(backfill.pool, 'docs', 100)).map(({ kind }) => kind);
  const index = async (): Promise<string[]> =>
    (
      await backfill.pool.query<{ oid: string }>(
        `SELECT indexrelid::text AS oid FROM pg_index WHERE indrelid = 'docs'::regclass AND NOT indisprimary`,
      )
    ).rows.map(({ oid }) => oid);

  it('is good while it is new', async () => {
    expect((await run('watch', '--series')).stdout).toContain('No pass yet');
    const done = await run('watch', '--json');
    expect(done.code).toBe(0);
    const pass = done.json() as WatchPass;
    expect(pass).toMatchObject({ backfill: 'docs', generation: 1, verdict: 'good', remedy: null });
    expect(pass.result).toMatchObject({
      wanted: 0.9,
      setting: 'hnsw.ef_search',
      compared: 1,
      cutShort: null,
      freshness: { passed: true },
      sync: { pending: 0 },
      wear: { deadEntries: 0 },
    });
    expect(pass.result.points).toMatchObject([{ value: 40, recall: { rows: { queries: 100 } } }]);
    expect(await events()).not.toContain('watch.good');
  });

  it('is found out once edits have left their entries in it, with what to do', async () => {
    for (let round = 0; round < EDITS; round++) {
      await editAll(backfill.pool, round);
      await untilSynced(backfill);
    }
    const done = await run('watch');
    expect(done.code).toBe(3);
    expect(done.stdout).toMatch(/verdict {3}REBUILD: recall@10 is 0\.[678]\d+ .*the index has worn out/);
    expect(done.stdout).toContain('Run `pgvector-backfill finalize --rebuild`');
    const { watch } = await backfill.snapshot();
    // Three entries in four are of texts that are no more.
    expect(watch?.result.wear.deadEntries).toBeCloseTo(EDITS / (EDITS + 1), 1);
    expect(watch?.result.points.map(({ value }) => value)).toEqual([40, 80, 160]);
    expect((await run('status')).stdout).toMatch(
      /^watch {4}REBUILD: .*\n {9}Run `pgvector-backfill finalize --rebuild`/m,
    );
    expect(await events()).toContain('watch.rebuild');
  });

  it('is mended by the rebuild, and reads go on by the same name', async () => {
    const before = await index();
    const done = await run('finalize', '--rebuild', '--watch');
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/^watch {4}good: recall@10 is (0\.9|1\.0)/m);
    const after = await index();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
    const { state, index: shown, watch } = await backfill.snapshot();
    expect({ state, shown }).toMatchObject({ state: 'ready', shown: { valid: true, phase: 'valid' } });
    expect(watch).toMatchObject({ verdict: 'good', result: { wear: { deadEntries: 0, deadRows: 0 } } });
    expect(await events()).toEqual(expect.arrayContaining(['index.rebuilt', 'verify.done', 'watch.good']));
    const series = await run('watch', '--series');
    expect(
      series.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/)[1]),
    ).toEqual(['good', 'rebuild', 'good']);
    expect((await backfill.account()).embedded).toBe(ROWS);
  });

  it('is seen on the page, without a script, and by Prometheus, with its interval', async () => {
    const { pool } = backfill;
    const view = await new ProgressFeed({ pool, backfill: 'docs', logger: silentLogger }).look();
    expect(view.passes.map(({ recall }) => (recall?.recall ?? 0) > 0.9)).toEqual([true, false, true]);
    const page = String(await progressPage(view, 'csrf', null));
    expect(page).toMatch(/aria-label="Recall@10 with its 95 % interval over the last [^"]*: lowest 0\.[678]/);
    expect(page).toMatch(/<h2>Watch <b class="good">good<\/b><\/h2>/);
    const { snapshot } = view;
    const generation = { generation: 1, snapshot, jobs: {}, quarantined: {}, times: [] };
    const sources = { database: true, queue: true };
    const text = await scrape({ backfill: 'docs', generations: [generation], sources }).text();
    const { recall, low, high } = snapshot.watch!.result.points[0]!.recall.rows!;
    const of = 'backfill="docs",generation="1"';
    for (const line of [
      `watch_recall_ratio{${of},source="rows"} ${recall}`,
      `watch_recall_lower_ratio{${of},source="rows"} ${low}`,
      `watch_recall_upper_ratio{${of},source="rows"} ${high}`,
      `watch_recall_wanted_ratio{${of}} 0.9`,
      `watch_verdict{${of},verdict="good"} 1`,
      `watch_verdict{${of},verdict="rebuild"} 0`,
      `watch_dead_entries_ratio{${of}} 0`,
      `watch_filtered_short_ratio{${of},selectivity="0.01"} 0`,
    ])
      expect(text).toContain(`pgvector_backfill_${line}\n`);
  });

  it('is helped by more of it, where it has not worn out: verify finds how much, and reads go by it', async () => {
    const asked = { ...backfill.env, BACKFILL_VERIFY_RECALL: '0.995' };
    const low = await runCommand('watch', [], asked);
    expect(low.code).toBe(3);
    expect(low.stdout).toMatch(/verdict {3}SETTINGS: .*hnsw\.ef_search = (80|160) reaches it/);
    expect(low.stdout).toContain('Run `pgvector-backfill verify`');
    // The interval of 50 rows is too wide for so high a target.
    const few = await runCommand('verify', [], asked);
    expect(few.code).toBe(3);
    const [, samples = ''] = /Raise verify\.samples .* to (\d+)/.exec(few.stdout) ?? [];
    expect((await runCommand('verify', ['--verify-samples', samples], asked)).code).toBe(0);
    const good = await runCommand('watch', ['--json'], asked);
    expect(good.code).toBe(0);
    const { verdict, result } = good.json() as WatchPass;
    expect(verdict).toBe('good');
    expect(result.points[0]?.value).toBeGreaterThan(40);
    expect(result.points[0]?.recall['rows']?.recall).toBeGreaterThanOrEqual(0.99);
  });
});
