/** Hands vectors of searches to the ledger, where `watch.keepQueries` says so: a few of them, and none of their words. */

import type { Settings } from '../../config/settings.ts';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { messageOf } from '../../errors.ts';
import { KEEP_QUERY_GRANT, keepQuery, type QueryOf } from '../../ledger/passes/watch-query.ts';
import type { GenerationState } from '../../ledger/reads/read-state.ts';
import type { Clock } from './ttl-cache.ts';

/** Between two of one process: a day has 1,440 minutes, and a pass asks some dozens. */
const EVERY_MS = 60_000;
/** After a refusal, which another grant or another release may end. */
const REFUSED_MS = 600_000;

export class QueryRecorder {
  readonly #db: Queryable;
  readonly #clock: Clock;
  #from = -Infinity;
  #pending: Promise<void> = Promise.resolve();
  #warned = false;

  constructor(db: Queryable, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** What is to be told of a search's vector; nothing where they are not to be kept. */
  of(
    { name, run }: Pick<GenerationState, 'name' | 'run'>,
    { watch }: Pick<Settings, 'watch'>,
  ): ((vector: string) => void) | undefined {
    if (!watch.keepQueries || run === null) return undefined;
    return (vector) => this.#note({ backfill: name, fingerprint: run.fingerprint }, vector);
  }

  /** Returns at once, and never throws: a search waits for nothing of it. */
  #note(of: QueryOf, vector: string): void {
    const now = this.#clock.now();
    if (now < this.#from) return;
    this.#from = now + EVERY_MS;
    this.#pending = this.#pending.then(() => this.#keep(of, vector));
  }

  /** Once what was noted is written. */
  settled(): Promise<void> {
    return this.#pending;
  }

  async #keep(of: QueryOf, vector: string): Promise<void> {
    try {
      await keepQuery(this.#db, of, vector);
    } catch (error) {
      const { privilege, tableMissing, schemaMissing, readOnly } = SQLSTATE;
      if (!hasSqlState(error, privilege, tableMissing, schemaMissing, readOnly)) return;
      this.#from = this.#clock.now() + REFUSED_MS;
      if (this.#warned) return;
      this.#warned = true;
      process.emitWarning(
        `Searches are not recorded, though watch.keepQueries is true: ${messageOf(error)}. Run ${KEEP_QUERY_GRANT}.`,
        { code: 'PGVECTOR_BACKFILL_WATCH' },
      );
    }
  }
}
