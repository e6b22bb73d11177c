/** Who has the lock of the index build while nobody builds. */

import type { BuildInput } from './attempt.ts';
import { describeBlockers, type BuildProgress } from './progress.ts';
import { FINALIZER } from './session.ts';
import type { IndexBlocker } from '../../ledger/run/index-progress.ts';

/** As pg_try_advisory_lock takes them: a number of our own and a name, of which the server makes a hash. */
export type LockKey = [lock: number, name: string];

export const LOCK_WAIT_PHASE = 'waiting for another finalizer';

/** Between two steps of its own, a finalizer has nothing under way for a moment. */
const IDLE_SECONDS = 60;

export class LockHolders {
  readonly #input: BuildInput;
  #told: number | null = null;

  constructor(input: BuildInput) {
    this.#input = input;
  }

  /** Null where it is free by now. Says once what to do about one that cannot be a finalizer at work. */
  async look(key: LockKey): Promise<BuildProgress | null> {
    const { pool, onEvent } = this.#input;
    const found = await pool.query<IndexBlocker & { isEnding: boolean }>(
      `SELECT l.pid, coalesce(nullif(a.application_name, ''), a.backend_type, '') AS application, coalesce(a.state, 'unknown') AS state,
              a.wait_event AS "waitEvent", extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS "ageSeconds",
              a.pid IS NULL AS "isEnding"
         FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = $1::oid
          AND l.objid::bigint = hashtext($2)::bigint & 4294967295
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      key,
    );
    const [first] = found.rows;
    if (first === undefined) return null;
    // A session that ends is out of the statistics before it lets go of its locks.
    const { isEnding, ...holder } = first;
    if (this.#told !== holder.pid && !isEnding && !isAtWork(holder)) {
      this.#told = holder.pid;
      await onEvent({
        level: 'warn',
        kind: 'index.lock-held',
        message: `${describeBlockers([holder])}: it has the lock of the index build and builds nothing, as a connection does that a pooler has handed on. End it: SELECT pg_terminate_backend(${holder.pid})`,
      });
    }
    return { phase: LOCK_WAIT_PHASE, share: null, blockers: [holder], workers: 0 };
  }
}

const isAtWork = ({ application, state, ageSeconds }: IndexBlocker): boolean =>
  application.endsWith(` ${FINALIZER}`) && !(state === 'idle' && (ageSeconds ?? 0) > IDLE_SECONDS);
