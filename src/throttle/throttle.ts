/** Whether the next batch or statement may go, and how many rows it may take. One for all roles of a worker process. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { hiddenRows } from '../db/hidden-rows.ts';
import { parseQualified, quoteQualified } from '../db/identifiers.ts';
import { TransientError, messageOf, type GateError } from '../errors.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { OPEN_STATES } from '../ledger/run/run.ts';
import { pauseRun } from '../ledger/run/move-run.ts';
import {
  isDue,
  noteStatementMs,
  readThrottle,
  reserveRows,
  saveThrottle,
  type SignalState,
  type ThrottleRow,
  type ThrottleState,
} from '../ledger/progress/throttle-state.ts';
import type { Logger } from '../observability/logger.ts';
import { Health } from './health.ts';
import { decide, type ThrottleDecision } from './decision.ts';
import { StatementSize } from './statement-size.ts';
import { tunedOptions, type TunedOptions } from './tuned-options.ts';

export interface ThrottleContext {
  pool: Pool;
  backfill: string;
  settings: Settings;
  logger: Logger;
}

/** A worker that is shut down gives back what it has not begun to write; no attempt should be burnt by it. */
export const isHeld = (error: unknown): boolean => error instanceof TransientError && error.code === 'HELD';

/** What the throttle holds for, met before its next look. */
export const held = (cause: unknown): TransientError =>
  new TransientError(messageOf(cause), { code: 'HELD', cause });

/** Of a longest statement: less more is not worth a write. */
const MIN_GAIN = 1.05;

/** Rows that are hidden from us hold everything, whatever the load: it goes on by itself once all are to be seen. */
function heldFor(hidden: GateError | null, decision: ThrottleDecision): ThrottleDecision {
  if (hidden === null) return decision;
  const reasons = [`${hidden.message} ${hidden.remedy ?? ''}`, decision.reason];
  return {
    ...decision,
    verdict: decision.verdict === 'stop' ? 'stop' : 'hold',
    reason: reasons.filter((reason) => reason !== '').join('; '),
  };
}

export class Throttle {
  readonly #context: ThrottleContext;
  readonly #health: Health;
  readonly #table: string;
  readonly #size: StatementSize;
  readonly #closing = new AbortController();
  readonly #listeners: ((tuning: TunedOptions) => void)[] = [];
  readonly #longest = new Map<string, number>();
  #tuning: TunedOptions;
  #holds = false;
  /** The run was paused or has failed meanwhile: whoever is held goes back. */
  #over = false;
  #lookedAt = -Infinity;
  #looking: Promise<void> | null = null;
  /** The last reading wanted to stop the run; the next one that does will. */
  #warned = false;

  constructor(context: ThrottleContext) {
    this.#context = context;
    this.#table = quoteQualified(parseQualified(context.settings.table, 'Option table'));
    this.#health = new Health(context.pool, context.settings);
    this.#size = new StatementSize(context.settings.throttle.statementMs);
    this.#tuning = tunedOptions(context.settings, {});
  }

  /** Called with what is tuned, whenever that is something else. */
  onTuned(listener: (tuning: TunedOptions) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Returns once nothing holds. No connection and no lock is kept meanwhile.
   * @returns false where the run was paused or has failed while this was held
   * @throws TransientError `HELD` where the worker is shut down meanwhile; what the ledger's connection throws
   */
  async pass(): Promise<boolean> {
    for (;;) {
      await this.#look();
      if (!this.#holds) return true;
      if (this.#over) return false;
      await this.#wait(this.#context.settings.throttle.checkSeconds * 1000);
    }
  }

  /** Whether `pass` would wait, for those who have something else to do then. */
  async holds(): Promise<boolean> {
    await this.#look();
    return this.#holds;
  }

  /** The same by a look of now: an error may be what the next look would have held for. */
  async holdsNow(): Promise<boolean> {
    this.#lookedAt = -Infinity;
    await this.#look();
    return this.#holds;
  }

  /** Rows for the next statement, as the last ones went; about a second's worth at most where rows a second are limited. */
  get statementRows(): number {
    const { mergeRows, rowsPerSecond } = this.#tuning;
    return this.#size.rows(
      Math.min(mergeRows, rowsPerSecond === null ? mergeRows : Math.max(1, Math.ceil(rowsPerSecond))),
    );
  }

  /** Before a statement of so many rows: waits for their turn, then as `pass` does. */
  async admit(rows: number): Promise<boolean> {
    const { rowsPerSecond } = this.#tuning;
    if (rowsPerSecond !== null) {
      const { pool, backfill } = this.#context;
      const ms = await reserveRows(pool, backfill, rows, rowsPerSecond);
      if (ms > 0) await this.#wait(ms);
    }
    return this.pass();
  }

  /** After a statement of a run. */
  async observe(run: string, rows: number, ms: number): Promise<void> {
    this.#size.observe(rows, ms);
    if (rows === 0 || ms < (this.#longest.get(run) ?? 0) * MIN_GAIN) return;
    this.#longest.set(run, ms);
    await noteStatementMs(this.#context.pool, run, ms);
  }

  /** The server ended a statement at its time limit. */
  timedOut(): void {
    this.#size.timedOut();
  }

  /** Whoever is held, or waits for its turn, gives its batch back. */
  close(): void {
    this.#closing.abort();
  }

  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#closing.signal }).catch((error: unknown) => {
      throw new TransientError('The worker is shut down while it is held.', { code: 'HELD', cause: error });
    });
  }

  /** One look at a time, for all that ask; what it gives counts for a while. */
  async #look(): Promise<void> {
    const ageMs = performance.now() - this.#lookedAt;
    if (ageMs < this.#context.settings.throttle.checkSeconds * 1000) return;
    this.#looking ??= this.#lookAnew().finally(() => {
      this.#looking = null;
    });
    await this.#looking;
  }

  async #lookAnew(): Promise<void> {
    const { pool, backfill, settings } = this.#context;
    const ledger = await readThrottle(pool, backfill);
    this.#tune(tunedOptions(settings, ledger.tuned));
    const measured = decide(await this.#health.read(), this.#tuning.limits, ledger.signals);
    const decision = heldFor(await hiddenRows(pool, this.#table), measured);
    const stops = decision.verdict === 'stop' && this.#warned && (await this.#stop(ledger, decision));
    this.#warned = decision.verdict === 'stop';
    this.#holds = decision.verdict !== 'go';
    this.#over = stops || ledger.runState === 'paused' || ledger.runState === 'failed';
    await this.#save(ledger, decision, stops ? 'stopped' : this.#holds ? 'hold' : 'go');
    this.#lookedAt = performance.now();
  }

  #tune(tuning: TunedOptions): void {
    const before = this.#tuning;
    this.#tuning = tuning;
    if (before.concurrency === tuning.concurrency) return;
    this.#context.logger.info({ concurrency: tuning.concurrency }, 'tuned');
    for (const listener of this.#listeners) listener(tuning);
  }

  /** @returns whether the run is stopped by this. */
  async #stop({ run }: ThrottleRow, { reason, signals }: ThrottleDecision): Promise<boolean> {
    if (run === null) return false;
    const { pool, backfill, logger } = this.#context;
    const why = `stopped by the throttle: ${reason}. See to the cause, then run \`pgvector-backfill resume\`.`;
    if (!(await pauseRun(pool, run, OPEN_STATES, why))) return false;
    const detail = { signals: signals.filter(({ state }) => state === 'stop') };
    await recordEvent(pool, { backfill, run, level: 'error', kind: 'run.paused', message: why, detail });
    logger.error({ run, reason }, 'run paused by the throttle');
    return true;
  }

  async #save(
    ledger: ThrottleRow,
    { reason, signals }: ThrottleDecision,
    state: ThrottleState['state'],
  ): Promise<void> {
    const { pool, backfill, logger } = this.#context;
    const before = (name: string): SignalState | undefined =>
      ledger.signals.find((signal) => signal.name === name);
    const unknown = signals.filter(
      (signal) => signal.state === 'unknown' && before(signal.name)?.state !== 'unknown',
    );
    const isTuned = signals.some(
      ({ name, hold, stop }) => before(name)?.hold !== hold || before(name)?.stop !== stop,
    );
    // A run that was stopped stays so for whoever looks on, until it is resumed and looked at again.
    const shown = ledger.state === 'stopped' && this.#over ? 'stopped' : state;
    if (shown === ledger.state && unknown.length === 0 && !isTuned && !isDue(ledger)) return;
    const changed = await saveThrottle(pool, backfill, { state: shown, reason, signals });
    const about = { backfill, run: ledger.run };
    for (const { name, note = '' } of unknown) {
      const message = `${name} is not looked at: ${note}`;
      await recordEvent(pool, { ...about, level: 'info', kind: 'throttle.unknown', message });
      logger.info({ signal: name, note }, 'throttle: signal unknown');
    }
    if (!changed) return;
    const kind = shown === 'stopped' ? 'throttle.stop' : `throttle.${shown}`;
    const level = shown === 'go' ? 'info' : shown === 'hold' ? 'warn' : 'error';
    const values = Object.fromEntries(signals.map(({ name, value }) => [name, value]));
    const message = shown === 'go' ? `goes on; was held: ${ledger.reason}` : reason;
    await recordEvent(pool, { ...about, level, kind, message, detail: { values } });
    logger[level]({ reason: message }, kind);
  }
}
