/** The log of processes that live through faults: each warning and error must be one that a fault of the test explains. */

import type { ChildProcess } from 'node:child_process';

/** What the faults bring about, by the line's own words, or by those of its error. */
const EXPLAINED: readonly RegExp[] = [
  // Redis or PostgreSQL was away, full, or a replica.
  /^queue connection: /,
  /^idle database connection lost$/,
  /^ledger and queue could not be compared$/,
  /^ledger and queue reconciled$/,
  /^(sync|the watch) could not be scheduled$/,
  /^the finalizer could not be called again$/,
  /^progress of the index build cannot be read$/,
  /^the session of the index build is lost$/,
  /^a batch could not be put on the queue again$/,
  /^dashboard: progress$/,
  // The containers speak no TLS.
  /without TLS|not encrypted|plain text/,
  /^the (end of the finalizer|end of the rebuild|failure of a batch|refusal) could not be written down$/,
  /^event of the index build$/,
];

/** Lines of work that met a fault: only with an error of the connection. */
const WITH_A_CAUSE = /^(batch not merged|finalizer|sync|dashboard request)\b/;
const CAUSE =
  /ECONNREFUSED|ECONNRESET|EPIPE|terminat|connection|timeout|starting up|shutting down|recovery|READONLY|OOM command|LOADING|not answer|lock/i;

/** For people, of a process that was told to go. */
const INTERRUPTED = /^Interrupted: /;

/** The watch over what stands still: because of a server that a fault has taken, and nothing else. */
const STANDS = 'there is work and nothing moves';

interface Line {
  level: number;
  cause?: string;
  msg?: string;
  err?: string | { message?: string };
}

export class WatchedLog {
  bytes = 0;
  lines = 0;
  /** By their words: how often they came. */
  readonly told = new Map<string, number>();
  readonly unexplained: string[] = [];

  follow(child: ChildProcess, name: string): void {
    let rest = '';
    child.stderr?.on('data', (chunk: string) => {
      this.bytes += Buffer.byteLength(chunk);
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) this.#add(line, name);
    });
  }

  #add(text: string, name: string): void {
    if (text === '') return;
    this.lines++;
    if (INTERRUPTED.test(text)) return;
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      this.#note(`${name}: ${text}`);
      return;
    }
    if (line.level < WARN) return;
    const err = typeof line.err === 'string' ? line.err : (line.err?.message ?? '');
    const words = line.msg ?? '';
    this.told.set(words, (this.told.get(words) ?? 0) + 1);
    if (words === STANDS && line.cause === 'queue-fault') return;
    if (EXPLAINED.some((each) => each.test(words)) || (WITH_A_CAUSE.test(words) && CAUSE.test(err))) return;
    this.#note(`${name}: ${text}`);
  }

  #note(line: string): void {
    if (this.unexplained.length < MAX_KEPT) this.unexplained.push(line.slice(0, MAX_CHARACTERS));
  }
}

/** pino's. */
const WARN = 40;
const MAX_KEPT = 50;
const MAX_CHARACTERS = 600;
