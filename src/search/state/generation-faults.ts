/** That this machine answers by another generation than the live one: told to its operator once, and to the ledger. */

import { hostname } from 'node:os';
import type { Queryable } from '../../db/pool.ts';
import { codeOf } from '../../db/sqlstates.ts';
import { messageOf } from '../../errors.ts';
import { saveReadReport } from '../../ledger/reads/read-report.ts';
import type { GenerationState } from '../../ledger/reads/read-state.ts';

export class GenerationFaults {
  readonly #db: Queryable;
  readonly #backfill: string;
  readonly #told = new Set<string>();
  readonly #reports = new Set<Promise<void>>();

  constructor(db: Queryable, backfill: string) {
    this.#db = db;
    this.#backfill = backfill;
  }

  /** Returns at once and never throws. */
  note({ name, generation, run }: GenerationState, base: GenerationState, error: unknown): void {
    const code = codeOf(error) ?? 'UNEXPECTED';
    const told = `${name} ${run?.id ?? ''} ${code}`;
    if (this.#told.has(told)) return;
    this.#told.add(told);
    process.emitWarning(
      `Searches of ${this.#backfill} on this machine are answered by generation ${base.generation}: generation ${generation} cannot (${code}: ${messageOf(error)}).`,
      { code: 'PGVECTOR_BACKFILL_GENERATION' },
    );
    const row = { host: hostname(), fingerprint: run?.fingerprint ?? '', fault: code, ms: 0 };
    // A role that may not write there goes on all the same.
    const report = saveReadReport(this.#db, name, row).catch(() => {});
    this.#reports.add(report);
    void report.finally(() => this.#reports.delete(report));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#reports);
  }
}
