import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ProgressBar } from '../../src/terminal/progress-bar.ts';

function bar(options: { isTTY: boolean; silent?: boolean }): {
  bar: ProgressBar;
  written: () => string;
  pass: (milliseconds: number) => void;
} {
  const stream = new PassThrough({ encoding: 'utf8' }) as unknown as NodeJS.WriteStream;
  Object.assign(stream, { isTTY: options.isTTY, columns: 60 });
  let clock = 0;
  return {
    bar: new ProgressBar({ stream, silent: options.silent ?? false, now: () => clock }),
    written: () => String(stream.read() ?? ''),
    pass: (milliseconds) => (clock += milliseconds),
  };
}

describe('the bar of a verb', () => {
  it('is redrawn on a terminal, within its width, and taken away at the end', () => {
    const { bar: shown, written } = bar({ isTTY: true });
    shown.show({ what: 'planning rows', done: 500_000, total: 1_000_000 });
    expect(written()).toBe(
      `\r\u001B[2K${'█'.repeat(12)}${'░'.repeat(12)} planning rows: 500,000 of 1,000,00`,
    );
    shown.show({ what: 'reading texts', done: 7, total: null });
    expect(written()).toBe('\r\u001B[2Kreading texts: 7');
    shown.end();
    expect(written()).toBe('\r\u001B[2K');
  });

  it('is cut where the terminal ends, not within a character', () => {
    const { bar: shown, written } = bar({ isTTY: true });
    shown.show({ what: '東京'.repeat(20), done: 1, total: null });
    expect(written()).toBe(`\r\u001B[2K${'東京'.repeat(14)}東`);
  });

  it('is a line every five seconds elsewhere, none where it is over sooner', () => {
    const { bar: shown, written, pass } = bar({ isTTY: false });
    shown.show({ what: 'planning rows', done: 1, total: 10 });
    pass(4999);
    shown.show({ what: 'planning rows', done: 2, total: 10 });
    expect(written()).toBe('');
    pass(1);
    shown.show({ what: 'planning rows', done: 12, total: 10 });
    shown.show({ what: 'planning rows', done: 13, total: 10 });
    shown.end();
    expect(written()).toBe('planning rows: 12 of 12\n');
  });

  it('keeps quiet beside one JSON object', () => {
    const { bar: shown, written, pass } = bar({ isTTY: true, silent: true });
    pass(60_000);
    shown.show({ what: 'planning rows', done: 1, total: 10 });
    shown.end();
    expect(written()).toBe('');
  });
});
