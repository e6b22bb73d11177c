/** The page where there is work and nothing moves: why, and no figure that is of the past. */

import { describe, expect, it } from 'vitest';
import { coverageSection, stateSection } from '../../src/dashboard/pages/run-sections.ts';
import type { ProgressSnapshot } from '../../src/ledger/progress/snapshot.ts';

const snapshot = {
  state: 'running',
  reason: '',
  run: '1',
  model: null,
  rows: {
    eligible: 20,
    embedded: 10,
    skipped: 0,
    quarantined: 0,
    pending: 10,
    staged: 0,
    stale: 0,
    truncated: 0,
    adopted: 0,
    passages: 0,
  },
  adoption: null,
  coverage: 0.5,
  rowsPerSecond: null,
  etaSeconds: null,
  idleSeconds: 3,
  stall: null,
  index: { valid: false, forecast: null },
} as unknown as ProgressSnapshot;

/** As a page has it. */
const html = async (markup: ReturnType<typeof stateSection>): Promise<string> => (await markup).toString();

describe('the page of a run', () => {
  it('says what nothing moves for', async () => {
    const stall = { cause: 'queue-paused', reason: 'the queue <docs> is paused', seconds: 70 } as const;
    expect(await html(stateSection({ ...snapshot, stall }))).toContain('the queue &lt;docs&gt; is paused');
    expect(await html(stateSection(snapshot))).not.toContain('waits');
    expect(await html(coverageSection({ ...snapshot, stall }))).toContain('nothing moves');
    expect(await html(coverageSection(snapshot))).toContain('not measured yet');
    expect(await html(coverageSection({ ...snapshot, idleSeconds: 61 }))).toContain('nothing moves');
  });

  it('says which vectors were there before, and how their sample went', async () => {
    const adoption = {
      at: '2026-01-02T03:04:05.678Z',
      boundary: '1',
      sampled: 5000,
      disagreed: 3,
      lowest: 0.2,
      lowestAgreeing: 0.99987,
      mayDisagree: 0.00176,
      minAgreement: 0.999,
      maxDisagreement: 0.01,
      unitLength: true,
    };
    const page = await html(
      coverageSection({ ...snapshot, adoption, rows: { ...snapshot.rows, adopted: 4 } }),
    );
    expect(page).toContain(
      '4 of the embedded rows have the vector that was there on 2026-01-02T03:04:05.678Z',
    );
    expect(page).toContain('5,000 rows that were embedded again, 3 disagree');
    expect(page).toContain('at most 0.18 % may disagree (95 %)');
  });
});
