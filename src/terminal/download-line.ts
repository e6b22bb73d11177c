/** Progress of a download: redrawn on a terminal, a line a file elsewhere. */

import { bytes as shown } from '../observability/format.ts';
import type { Output } from './output.ts';
import { redrawn } from './line-width.ts';

const REDRAW_MS = 100;

export class DownloadLine {
  readonly #stream: Output;
  #drawnAt = 0;
  #open = false;

  constructor(stream: Output) {
    this.#stream = stream;
  }

  say(text: string): void {
    this.end();
    this.#stream.write(`${text}\n`);
  }

  show(file: string, bytes: number, total: number | null): void {
    const now = Date.now();
    if (!this.#stream.isTTY || (now - this.#drawnAt < REDRAW_MS && bytes !== total)) return;
    this.#drawnAt = now;
    this.#open = true;
    const share =
      total === null || total === 0 ? '' : ` of ${shown(total)} (${Math.floor((100 * bytes) / total)} %)`;
    this.#stream.write(redrawn(this.#stream, `${file}: ${shown(bytes)}${share}`));
  }

  /** Leaves the line where it stands. */
  end(): void {
    if (this.#open) this.#stream.write('\n');
    this.#open = false;
  }
}
