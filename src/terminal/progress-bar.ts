/** How far a verb is: a bar that is redrawn on a terminal, a line now and then elsewhere, nothing beside one JSON object. */

import type { OnProgress, Progress } from '../observability/progress.ts';
import { count } from '../observability/format.ts';
import type { Output } from './output.ts';
import { barOf, redrawn } from './line-width.ts';

const BAR_WIDTH = 24;
/** Elsewhere than on a terminal: what is over sooner needs no line, and what goes on one in this time. */
const PLAIN_INTERVAL_MS = 5000;

export interface ProgressBarOptions {
  stream: Output;
  /** With --json nothing is shown. */
  silent: boolean;
  /** ms of a clock that does not go back. */
  now?: () => number;
}

export class ProgressBar {
  readonly #stream: Output;
  readonly #silent: boolean;
  readonly #now: () => number;
  #shownAt: number;
  #drawn = false;

  constructor({ stream, silent, now = () => performance.now() }: ProgressBarOptions) {
    this.#stream = stream;
    this.#silent = silent;
    this.#now = now;
    this.#shownAt = now();
  }

  readonly show: OnProgress = (progress) => {
    if (this.#silent) return;
    if (this.#stream.isTTY) {
      this.#drawn = true;
      this.#stream.write(redrawn(this.#stream, lineOf(progress)));
    } else if (this.#now() - this.#shownAt >= PLAIN_INTERVAL_MS) {
      this.#shownAt = this.#now();
      this.#stream.write(`${textOf(progress)}\n`);
    }
  };

  /** Takes the bar away: what the verb has to say comes in its place. */
  end(): void {
    if (this.#drawn) this.#stream.write(redrawn(this.#stream, ''));
    this.#drawn = false;
  }
}

/** The bar for the length of `work`. */
export async function withProgress<T>(
  { host, json }: { host: { stderr: Output }; json: boolean },
  work: (onProgress: OnProgress) => Promise<T>,
): Promise<T> {
  const bar = new ProgressBar({ stream: host.stderr, silent: json });
  try {
    return await work(bar.show);
  } finally {
    bar.end();
  }
}

function textOf({ what, done, total }: Progress): string {
  if (total === null) return `${what}: ${count(done)}`;
  // An estimate of the server's may be short of what is there.
  return `${what}: ${count(done)} of ${count(Math.max(total, done))}`;
}

function lineOf(progress: Progress): string {
  const { done, total } = progress;
  if (total === null || total === 0) return textOf(progress);
  return `${barOf(Math.min(1, done / total), BAR_WIDTH)} ${textOf(progress)}`;
}
