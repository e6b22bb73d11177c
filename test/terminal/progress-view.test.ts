import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ProgressView, progressLines } from '../../src/terminal/progress-view.ts';
import { coloured } from '../../src/terminal/terminal.ts';
import type { ProgressSnapshot } from '../../src/ledger/progress/snapshot.ts';

/** What the view reads of a snapshot. */
function snapshot(more: Partial<ProgressSnapshot> = {}): ProgressSnapshot {
  const signals = { state: 'go', reason: '', signals: [], ageSeconds: 1 };
  return {
    backfill: 'docs',
    generation: 1,
    state: 'running',
    reason: '',
    rows: { eligible: 2000, embedded: 990, skipped: 6, quarantined: 4, pending: 1000, staged: 0, stale: 0 },
    coverage: 0.5,
    rowsPerSecond: 250,
    etaSeconds: 4,
    batches: { pending: 10, staged: 1, merged: 11, failed: 0, retries: 0 },
    inProgress: [{ number: 1, worker: 'host/1', seconds: 7 }],
    sync: { pending: 0 },
    index: { name: null, phase: null, valid: false, blockers: [] },
    throttle: signals,
    stall: null,
    ...more,
  } as unknown as ProgressSnapshot;
}

function view(terminal: { isTTY: boolean; columns?: number }): { view: ProgressView; written: () => string } {
  const stream = new PassThrough({ encoding: 'utf8' }) as unknown as NodeJS.WriteStream;
  Object.assign(stream, terminal);
  return { view: new ProgressView(stream), written: () => String(stream.read() ?? '') };
}

/** What stands on a terminal after so much was written to it. */
function screen(written: string): string[] {
  const lines: string[] = [];
  let row = 0;
  // Readable from here on, and no control character in a pattern.
  for (const part of written.replaceAll('\u001B', '^').split('\n')) {
    const up = /\^\[(\d+)A/.exec(part);
    if (up !== null) row -= Number(up[1]);
    if (part.includes('^[J')) lines.length = Math.min(lines.length, row);
    const text = part.replaceAll(/\^\[\d*[A-Za-z]|\r/g, '');
    if (text !== '') lines[row] = text;
    row++;
  }
  return lines;
}

describe('the progress of a run', () => {
  it('takes the place of what it said before on a terminal, no line wider than that', () => {
    const { view: shown, written } = view({ isTTY: true, columns: 72 });
    shown.show(
      snapshot({
        throttle: { state: 'hold', reason: 'replica lag 12 s (holds at 10 s)', signals: [], ageSeconds: 1 },
      }),
    );
    shown.show(
      snapshot({ coverage: 0.75, etaSeconds: 2, reason: `building ${'x'.repeat(80)}; waits for pid 7` }),
    );
    shown.end();
    const left = screen(written());
    expect(left.every((line) => line.length <= 71)).toBe(true);
    expect(left).toEqual([
      `docs  running (building ${'x'.repeat(47)}`,
      `${'x'.repeat(33)}; waits for pid 7)`,
      `${'█'.repeat(30)}${'░'.repeat(10)} 75.0 %  1,000 of 2,000 rows`,
      '250 rows/s, ETA 2 s, 11 batches left',
      '1 in progress on 1 worker, the oldest for 7 s',
      '4 quarantined',
    ]);
  });

  it('counts columns as a terminal does: wide characters, emoji of several parts, accents that stand on a letter', () => {
    const [family, wide, accented] = ['👩‍👩‍👧‍👦', '東京', 'e\u0301'];
    const { view: shown, written } = view({ isTTY: true, columns: 25 });
    shown.show(snapshot({ backfill: wide.repeat(8), reason: `${family.repeat(14)} ${accented.repeat(30)}` }));
    shown.show(snapshot({ backfill: wide.repeat(8), reason: `${family.repeat(14)} ${accented.repeat(30)}` }));
    expect(screen(written()).slice(0, 4)).toEqual([
      wide.repeat(6),
      `${wide.repeat(2)}  running (${family.repeat(2)}`,
      family.repeat(12),
      accented.normalize().repeat(23),
    ]);
  });

  it('has all that matters within 80 columns, where the terminal tells no width too', () => {
    const { view: shown, written } = view({ isTTY: true, columns: 0 });
    shown.show(snapshot());
    const left = screen(written());
    expect(left.join(' ')).toContain('ETA 4 s');
    expect(left.every((line) => line.length <= 79)).toBe(true);
  });

  it('names the index build and whom it waits for, without what they run', () => {
    const index = {
      name: 'docs_idx',
      phase: 'waiting for writers before build',
      valid: false,
      blockers: [
        { pid: 7, application: 'psql', state: 'idle in transaction', waitEvent: null, ageSeconds: 9 },
      ],
    } as unknown as ProgressSnapshot['index'];
    expect(
      progressLines(snapshot({ state: 'finalizing', index }))
        .map(({ text }) => text)
        .slice(-2),
    ).toEqual(['index: waiting for writers before build', '  waits for psql (pid 7, idle in transaction)']);
  });

  it('is a line now and then elsewhere, and at once where the state changes', () => {
    const { view: shown, written } = view({ isTTY: false });
    shown.show(snapshot());
    shown.show(snapshot({ coverage: 0.6 }));
    shown.show(snapshot({ state: 'paused', reason: 'by hand', rowsPerSecond: null, etaSeconds: null }));
    expect(written()).toBe(
      'running: 1,000/2,000 rows, coverage 50.0 %, 250 rows/s, ETA 4 s, 4 quarantined\n' +
        'paused (by hand): 1,000/2,000 rows, coverage 50.0 %, 4 quarantined\n',
    );
  });

  it('shows every generation, each by its number, and at once where one of them changes its state', () => {
    const second = snapshot({ generation: 2, state: 'running', coverage: 0.1 });
    const terminal = view({ isTTY: true, columns: 80 });
    terminal.view.show(snapshot({ state: 'cut_over' }), second);
    expect(screen(terminal.written()).filter((line) => line.startsWith('docs'))).toEqual([
      'docs  cut_over',
      'docs, generation 2  running',
    ]);
    const { view: shown, written } = view({ isTTY: false });
    shown.show(snapshot({ state: 'cut_over' }), second);
    shown.show(snapshot({ state: 'cut_over' }), { ...second, coverage: 0.2 });
    shown.show(snapshot({ state: 'cut_over' }), { ...second, state: 'finalizing' });
    expect(written().match(/(?<=\| )generation 2 \w+/g)).toEqual([
      'generation 2 running',
      'generation 2 finalizing',
    ]);
  });

  it('has no colours where NO_COLOR is set, or on a dumb terminal', () => {
    expect(coloured('running', 'green', {})).toBe('\u001B[32mrunning\u001B[39m');
    expect(coloured('running', 'green', { NO_COLOR: '1' })).toBe('running');
    expect(coloured('running', 'green', { TERM: 'dumb' })).toBe('running');
  });

  it('tells the time left of a build by how it goes', () => {
    const index = {
      name: 'i',
      phase: 'building index: loading tuples 40 %',
      valid: false,
      blockers: [],
      secondsLeft: 720,
    };
    const lines = progressLines(
      snapshot({ state: 'finalizing', index: index as unknown as ProgressSnapshot['index'] }),
    );
    expect(lines.map(({ text }) => text)).toContain(
      'index: building index: loading tuples 40 %, about 12 min 0 s left',
    );
  });
});
