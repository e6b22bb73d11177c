/** Progress of a run: a few lines that are redrawn on a terminal, one line now and then elsewhere. */

import { showGeneration } from '../config/values/generation-name.ts';
import { timeLeft } from '../finalize/forecast/wording.ts';
import { ledgerName } from '../ledger/progress/generation-progress.ts';
import { indexWords } from '../ledger/progress/index-state.ts';
import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { count, duration, percent } from '../observability/format.ts';
import type { Output } from './output.ts';
import { barOf, lineWidth, wrapped } from './line-width.ts';
import { coloured, printable, type Colour } from './terminal.ts';
import { heldBy } from './throttle-lines.ts';

const BAR_WIDTH = 40;
/** Elsewhere than on a terminal, at most one line in this time. */
const PLAIN_INTERVAL_MS = 5000;

const done = ({ rows }: ProgressSnapshot): number => rows.embedded + rows.skipped + rows.quarantined;
const because = (reason: string): string => (reason === '' ? '' : ` (${reason})`);

function pace({ rowsPerSecond, etaSeconds }: ProgressSnapshot): string[] {
  const parts = rowsPerSecond === null ? [] : [`${count(Math.round(rowsPerSecond))} rows/s`];
  if (etaSeconds !== null && etaSeconds > 0) parts.push(`ETA ${duration(etaSeconds)}`);
  return parts;
}

function trouble({ rows, batches }: ProgressSnapshot): string[] {
  const parts = rows.quarantined > 0 ? [`${count(rows.quarantined)} quarantined`] : [];
  if (batches.failed > 0) parts.push(`${count(batches.failed)} batches failed`);
  return parts;
}

export function statusLine(snapshot: ProgressSnapshot): string {
  const { rows, coverage, state, reason, index } = snapshot;
  const parts = [
    `${count(done(snapshot))}/${count(rows.eligible)} rows`,
    `coverage ${percent(coverage)}`,
    ...pace(snapshot),
    ...trouble(snapshot),
  ];
  if (state === 'finalizing' && index.phase !== null) parts.push(`index: ${index.phase}${timeLeft(index)}`);
  const held = heldBy(snapshot);
  if (held !== null) parts.push(held);
  if (snapshot.stall !== null) parts.push(`waits: ${snapshot.stall.reason}`);
  return `${state}${because(reason)}: ${parts.join(', ')}`;
}

/** Of generation 1 there need not be another one. */
const lineOf = (snapshot: ProgressSnapshot): string =>
  snapshot.generation === 1
    ? statusLine(snapshot)
    : `generation ${snapshot.generation} ${statusLine(snapshot)}`;

interface Line {
  text: string;
  colour: Colour | null;
}

function stateColour({ state, throttle }: ProgressSnapshot): Colour | null {
  if (state === 'failed') return 'red';
  if (state === 'paused' || throttle.state !== 'go') return 'yellow';
  return state === 'none' ? null : 'green';
}

/** Of what there is nothing to say there is no line. */
export function progressLines(snapshot: ProgressSnapshot): Line[] {
  const { state, reason, rows, coverage, index, inProgress, sync, batches } = snapshot;
  const workers = new Set(inProgress.map(({ worker }) => worker)).size;
  const held = heldBy(snapshot);
  const plain = (text: string): Line => ({ text, colour: null });
  const lines: Line[] = [
    {
      text: `${showGeneration(ledgerName(snapshot))}  ${state}${because(reason)}`,
      colour: stateColour(snapshot),
    },
    {
      text: `${barOf(coverage, BAR_WIDTH)} ${percent(coverage)}  ${count(done(snapshot))} of ${count(rows.eligible)} rows`,
      colour: stateColour(snapshot),
    },
    plain([...pace(snapshot), `${count(batches.pending + batches.staged)} batches left`].join(', ')),
  ];
  if (inProgress.length > 0) {
    const who = `${inProgress.length} in progress on ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
    lines.push(plain(`${who}, the oldest for ${duration(inProgress[0]?.seconds ?? 0)}`));
  }
  if (held !== null) lines.push({ text: held, colour: 'yellow' });
  if (snapshot.stall !== null) lines.push({ text: `waits: ${snapshot.stall.reason}`, colour: 'yellow' });
  if (trouble(snapshot).length > 0) lines.push({ text: trouble(snapshot).join(', '), colour: 'yellow' });
  if (sync.pending > 0) lines.push(plain(`sync: ${count(sync.pending)} changes to do`));
  const phase = indexWords(index);
  if (index.name !== null && phase !== null && phase !== 'valid') {
    lines.push(plain(`index: ${phase}${timeLeft(index)}`));
    for (const { pid, application, state: doing } of index.blockers)
      lines.push({ text: `  waits for ${application} (pid ${pid}, ${doing})`, colour: 'yellow' });
  }
  return lines;
}

export class ProgressView {
  readonly #stream: Output;
  /** Lines that stand on the terminal. */
  #drawn = 0;
  #last = '';
  #printedAt = 0;

  constructor(stream: Output) {
    this.#stream = stream;
  }

  /** @param snapshots of one generation, or of each of them, by their numbers */
  show(...snapshots: readonly ProgressSnapshot[]): void {
    if (this.#stream.isTTY) {
      this.#draw(snapshots.flatMap((each) => progressLines(each)));
      return;
    }
    const line = printable(snapshots.map(lineOf).join(' | '));
    const now = Date.now();
    if (line === this.#last || (now - this.#printedAt < PLAIN_INTERVAL_MS && sameState(line, this.#last)))
      return;
    this.#last = line;
    this.#printedAt = now;
    this.#stream.write(`${line}\n`);
  }

  /** Leaves the lines where they stand. */
  end(): void {
    this.#drawn = 0;
  }

  /** In one write, so that nothing flickers; a line that wrapped would be counted as one and left behind. */
  #draw(lines: readonly Line[]): void {
    const width = lineWidth(this.#stream);
    const fitting = lines
      .flatMap(({ text, colour }) => wrapped(printable(text), width).map((part) => ({ text: part, colour })))
      .slice(0, Math.max((this.#stream.rows || Infinity) - 1, 1));
    const up = this.#drawn === 0 ? '' : `\u001B[${this.#drawn}A`;
    const drawn = fitting.map(({ text, colour }) => `\u001B[2K${coloured(text, colour)}\n`);
    this.#stream.write(`${up}\r${drawn.join('')}\u001B[J`);
    this.#drawn = fitting.length;
  }
}

/** Of each generation. */
const sameState = (a: string, b: string): boolean => statesOf(a) === statesOf(b);
const statesOf = (line: string): string =>
  line
    .split(' | ')
    .map((each) =>
      each
        .replace(/^generation /, '')
        .split(/[ :(]/)
        .slice(0, each.startsWith('generation ') ? 2 : 1),
    )
    .join();
