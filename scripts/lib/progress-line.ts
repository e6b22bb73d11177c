/** One line of progress: redrawn on a terminal, printed now and then elsewhere. */

import type { ProgressSnapshot } from '../../src/ledger/progress.ts';
import { count, duration, percent } from './format.ts';
import { heldBy } from './throttle-lines.ts';

const BAR_WIDTH = 24;
/** Elsewhere than on a terminal, at most one line in this time. */
const PLAIN_INTERVAL_MS = 5000;

export function statusLine(snapshot: ProgressSnapshot): string {
  const { rows, coverage, rowsPerSecond, etaSeconds, state, reason, index } = snapshot;
  const done = rows.embedded + rows.skipped + rows.quarantined;
  const parts = [`${count(done)}/${count(rows.eligible)} rows`, `coverage ${percent(coverage)}`];
  if (rowsPerSecond !== null) parts.push(`${count(Math.round(rowsPerSecond))} rows/s`);
  if (etaSeconds !== null && etaSeconds > 0) parts.push(`ETA ${duration(etaSeconds)}`);
  if (rows.quarantined > 0) parts.push(`${count(rows.quarantined)} quarantined`);
  if (snapshot.batches.failed > 0) parts.push(`${count(snapshot.batches.failed)} batches failed`);
  if (state === 'finalizing' && index.phase !== null) parts.push(`index: ${index.phase}`);
  const held = heldBy(snapshot);
  if (held !== null) parts.push(held);
  return `${state}${reason === '' ? '' : ` (${reason})`}: ${parts.join(', ')}`;
}

export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  #last = '';
  #printedAt = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show(snapshot: ProgressSnapshot): void {
    const line = statusLine(snapshot);
    if (this.#stream.isTTY) {
      const filled = Math.round(snapshot.coverage * BAR_WIDTH);
      const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} `;
      this.#stream.write(`\r\u001B[2K${`${bar}${line}`.slice(0, Math.max(20, this.#stream.columns - 1))}`);
      return;
    }
    const now = Date.now();
    if (line === this.#last || (now - this.#printedAt < PLAIN_INTERVAL_MS && sameState(line, this.#last)))
      return;
    this.#last = line;
    this.#printedAt = now;
    this.#stream.write(`${line}\n`);
  }

  /** Leaves the line where it stands. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\n');
  }
}

const sameState = (a: string, b: string): boolean => a.split(/[ :(]/)[0] === b.split(/[ :(]/)[0];
