import { describe, expect, it } from 'vitest';
import { spillWarning } from '../../../src/finalize/build/notices.ts';
import { describeBlockers, describeProgress, shareOf } from '../../../src/finalize/build/progress.ts';

describe('describeProgress', () => {
  it.each([
    [{ phase: 'initializing', share: null, blockers: [], workers: 0 }, 'initializing'],
    [
      { phase: 'building index: loading tuples', share: 0.999, blockers: [], workers: 2 },
      'building index: loading tuples 99 %',
    ],
  ])('%j is "%s"', (progress, line) => {
    expect(describeProgress(progress)).toBe(line);
  });
});

describe('shareOf', () => {
  const none = { blocksDone: 0, blocksTotal: 0, tuplesDone: 0, tuplesTotal: 0 };
  it.each([
    ['building index: initializing', none, null],
    // HNSW counts tuples too, but does not know how many there are.
    ['building index: loading tuples', { ...none, blocksDone: 5, blocksTotal: 20, tuplesDone: 900 }, 0.25],
    // IVFFlat: the table is read to its end by then.
    [
      'building index: loading tuples',
      { blocksDone: 20, blocksTotal: 20, tuplesDone: 100, tuplesTotal: 1000 },
      0.1,
    ],
    ['waiting for old snapshots', { ...none, blocksDone: 20, blocksTotal: 20 }, null],
    ['index validation: scanning table', { ...none, blocksDone: 21, blocksTotal: 20 }, 1],
  ])('%s, %j: %s', (phase, counters, share) => {
    expect(shareOf({ phase, ...counters })).toBe(share);
  });
});

describe('describeBlockers', () => {
  const blocker = {
    pid: 123,
    application: 'psql',
    state: 'idle in transaction',
    waitEvent: 'ClientRead',
    ageSeconds: 35.2,
  };
  it.each([
    [[], ''],
    [[blocker], 'waits for pid 123 (psql), idle in transaction for 35 s'],
    [
      [
        { ...blocker, application: '', state: 'active', waitEvent: 'DataFileRead' },
        { ...blocker, pid: 7, state: 'unknown', ageSeconds: null },
      ],
      'waits for pid 123, active for 35 s, itself in DataFileRead; pid 7 (psql), unknown',
    ],
    [
      [{ pid: 0, application: '', state: 'prepared transaction', waitEvent: null, ageSeconds: null }],
      'waits for a prepared transaction (pg_prepared_xacts)',
    ],
  ])('%j is "%s"', (blockers, line) => {
    expect(describeBlockers(blockers)).toBe(line);
  });
});

describe('spillWarning', () => {
  it('tells how much memory the graph would have needed', () => {
    expect(
      spillWarning('hnsw graph no longer fits into maintenance_work_mem after 900 tuples', 4096, 1024),
    ).toEqual({
      message: expect.stringMatching(/after 900 of 4096 rows.*index\.maintenanceWorkMem .*to 8MB/) as string,
      detail: { tuples: 900, rows: 4096, neededMiB: 8 },
    });
    expect(spillWarning('ivfflat index created with little data', 4096, 1024)).toBeNull();
  });
});
