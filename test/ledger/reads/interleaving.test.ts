import { describe, expect, it } from 'vitest';
import { EMPTY_SNAPSHOT } from '../../../src/ledger/progress/empty-snapshot.ts';
import type { ProgressSnapshot } from '../../../src/ledger/progress/snapshot.ts';
import type { MetricsView } from '../../../src/dashboard/metrics/declare.ts';
import { READ_METRICS } from '../../../src/dashboard/metrics/read-metrics.ts';
import { readsSection } from '../../../src/dashboard/pages/health-sections.ts';
import { interleavingOf } from '../../../src/ledger/reads/interleaving.ts';
import { LEGACY_BASE } from '../../../src/ledger/reads/read-mode.ts';
import type { Run } from '../../../src/ledger/run/run.ts';
import { readLines } from '../../../src/terminal/read-lines.ts';
import { interleavingChecks } from '../../../src/verify/checks/interleaving.ts';

const STORED = {
  '2026-05-03 7 legacy': { searches: 60, ownWins: 30, ownClicks: 31, baseWins: 12, baseClicks: 12, ties: 2 },
  '2026-05-04 7 legacy': { searches: 40, ownWins: 30, ownClicks: 30, baseWins: 8, baseClicks: 8, failed: 1 },
  '2026-05-02 6 vector@1': { searches: 9, ownWins: 1 },
  'made up': { searches: 1e9 },
  '2026-05-01 7 legacy': 'nonsense',
};

describe('votes by day', () => {
  it('are summed up for each comparison, the newest first', () => {
    expect(interleavingOf(STORED)).toMatchObject([
      {
        run: '7',
        against: 'legacy',
        from: '2026-05-01',
        to: '2026-05-04',
        searches: 100,
        ownWins: 60,
        baseWins: 20,
        ties: 2,
        failed: 1,
        excludesZero: true,
      },
      { run: '6', against: 'vector@1', searches: 9, excludesZero: false },
    ]);
    expect(interleavingOf({})).toEqual([]);
  });

  it('are told by status, dashboard and metrics, and by verify of the run that is verified', async () => {
    const snapshot = {
      ...EMPTY_SNAPSHOT,
      generation: 1,
      readMode: {
        mode: 'interleave',
        percent: 20,
        generation: 1,
        base: LEGACY_BASE,
        since: null,
        by: null,
      },
      shadow: { searches: 0, errors: 0, timeouts: 0, skipped: 0 },
      canary: { vector: 0, legacy: 0, errors: 0 },
      interleaving: interleavingOf(STORED).slice(0, 1),
    } as unknown as ProgressSnapshot;
    expect(readLines(snapshot)).toEqual([
      'reads    interleave:20',
      'clicks   vector with legacy: preference +0.244 [+0.142, +0.324]: people prefer vector',
      '         100 answers; 81 clicks (legacy 20, vector 61); won by legacy 20, by vector 60, ties 2; 1 more answered by one as the other failed or was slow',
    ]);
    expect(readLines({ ...snapshot, interleaving: [] }).at(-1)).toBe(
      'clicks   no answer was interleaved yet',
    );
    const shown = (await readsSection(snapshot)).toString();
    expect(shown).toContain(
      'Interleaved with legacy: preference +0.244 [+0.142, +0.324]: people prefer vector',
    );
    const view: MetricsView = { generation: 1, snapshot, jobs: {}, quarantined: {}, times: [] };
    const sampled = (name: string): [unknown, number][] =>
      (READ_METRICS.find((each) => each.name === `pgvector_backfill_${name}`)?.read(view) ?? []).map(
        ({ labels, value }) => [labels, value],
      );
    expect(sampled('interleave_ratio')).toEqual([[undefined, 0.2]]);
    expect(sampled('canary_ratio')).toEqual([]);
    expect(sampled('read_mode')).toContainEqual([{ mode: 'interleave' }, 1]);
    expect(sampled('interleaved_clicks_total')).toEqual([
      [{ side: 'base' }, 20],
      [{ side: 'own' }, 61],
    ]);
    expect(sampled('interleaving_preference').map(([labels]) => labels)).toEqual([
      { bound: 'value' },
      { bound: 'low' },
      { bound: 'high' },
    ]);
    const run = { id: '7', backfill: 'articles' } as Run;
    const [check, ...others] = interleavingChecks(run, interleavingOf(STORED));
    expect(others).toEqual([]);
    expect(check).toMatchObject({ name: 'interleaving', passed: true, remedy: null });
    expect(check?.detail).toContain('preference for vector over legacy by clicks +0.244 [+0.142, +0.324]');
    const worse = { '2026-05-04 7 legacy': { searches: 40, baseWins: 30, ownWins: 2 } };
    expect(interleavingChecks(run, interleavingOf(worse))[0]).toMatchObject({
      passed: true,
      remedy: expect.stringContaining('rollback --execute') as string,
    });
  });
});
