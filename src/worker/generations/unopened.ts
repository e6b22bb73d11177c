/** A generation that this process cannot serve, such as for a model that is not on this machine: said once, and tried again. */

import { parseGenerationName, showGeneration } from '../../config/values/generation-name.ts';
import type { Pool } from '../../db/pool.ts';
import { messageOf } from '../../errors.ts';
import { recordEvent } from '../../ledger/event/event.ts';
import { removeReport, saveReport } from '../../ledger/progress/worker-report.ts';
import type { Logger } from '../../observability/logger.ts';
import { WORKER_NAME } from '../../observability/worker-name.ts';
import { remedyOf } from '../jobs/remedy.ts';

/** To the first try after that at the start; then twice as long each time. */
const RETRY_MS = 5000;
const MAX_RETRY_MS = 300_000;
/** A report counts for two minutes. */
const REPORT_MS = 45_000;

interface Unopened {
  reason: string;
  since: number;
  tries: number;
  triedAt: number;
  reportedAt: number;
}

export class UnopenedGenerations {
  readonly #pool: Pool;
  readonly #logger: Logger;
  readonly #retryMs: number;
  readonly #of = new Map<string, Unopened>();

  constructor(pool: Pool, logger: Logger, retryMs = RETRY_MS) {
    this.#pool = pool;
    this.#logger = logger;
    this.#retryMs = retryMs;
  }

  get names(): string[] {
    return [...this.#of.keys()];
  }

  /** Whether it is time for a try; of one that was not tried, it is. */
  isDue(name: string): boolean {
    const known = this.#of.get(name);
    if (known === undefined) return true;
    const waitMs = Math.min(this.#retryMs * 2 ** (known.tries - 1), MAX_RETRY_MS);
    return performance.now() - known.triedAt >= waitMs;
  }

  async failed(name: string, error: unknown): Promise<void> {
    const reason = `worker ${WORKER_NAME} cannot serve ${showGeneration(name)}: ${messageOf(error)}${remedyOf(error)}`;
    const known = this.#of.get(name);
    const now = performance.now();
    const { since, tries } = known ?? { since: now, tries: 0 };
    this.#of.set(name, { reason, since, tries: tries + 1, triedAt: now, reportedAt: -Infinity });
    if (known?.reason !== reason) {
      const { generation } = parseGenerationName(name);
      this.#logger.warn({ generation, reason }, 'a generation is not served here, the others are');
      const event = { backfill: name, run: null, level: 'warn', kind: 'worker.unopened' } as const;
      await recordEvent(this.#pool, { ...event, message: reason }).catch(() => {});
    }
    await this.report();
  }

  opened(name: string): void {
    this.#of.delete(name);
  }

  /** Those that are gone are nobody's to serve. */
  keepOnly(names: readonly string[]): void {
    for (const name of this.names) if (!names.includes(name)) this.#of.delete(name);
  }

  /** Where those that look at the ledger see it: again before it counts no more. */
  async report(): Promise<void> {
    const now = performance.now();
    for (const [name, each] of this.#of) {
      if (now - each.reportedAt < REPORT_MS) continue;
      each.reportedAt = now;
      const seconds = (now - each.since) / 1000;
      const stall = { cause: 'model-unavailable', reason: each.reason, seconds } as const;
      await saveReport(this.#pool, name, WORKER_NAME, { stall, clockAheadSeconds: null }).catch(() => {});
    }
  }

  async leave(): Promise<void> {
    await Promise.all(this.names.map((name) => removeReport(this.#pool, name, WORKER_NAME).catch(() => {})));
  }
}
