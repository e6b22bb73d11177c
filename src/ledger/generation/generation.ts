/** The generations of a backfill, as the ledger has them: each is a row of `backfill`, with runs of its own. */

import type { UsedValue } from '../../config/usage-paths.ts';
import { backfillOf } from '../../config/values/generation-name.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import { assertOwnSchema } from '../../db/own-schema.ts';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import type { Run } from '../run/run.ts';

/** Of the latest run. */
export type GenerationRun = Pick<
  Run,
  'id' | 'state' | 'reason' | 'fingerprint' | 'model' | 'dimensions' | 'embedding' | 'scope'
>;

export interface Generation {
  /** Of its rows in the ledger. */
  name: string;
  /** From 1. */
  generation: number;
  /** Options as they were at its last `enqueue`, in the shape of the configuration file. */
  stored: Record<string, unknown>;
  /** How its model is used and who says so, as of then; empty where an older release has enqueued it. */
  usage: UsedValue[];
  /** Null before its first. */
  run: GenerationRun | null;
  /** Its column, staging table and index are gone. */
  isDropped: boolean;
}

const RUN = `jsonb_build_object('id', r.id::text, 'state', r.state, 'reason', r.reason, 'fingerprint', r.fingerprint, 'model', r.model,
  'dimensions', r.dimensions, 'embedding', to_jsonb(r) -> 'embedding', 'scope', to_jsonb(r) -> 'scope')`;

/**
 * By their numbers; also those that were dropped. None where there is no ledger, or the backfill is not in it. One of an earlier
 * release knows no generations: what it has is the first one.
 * @param name of any of them
 */
export async function allGenerations(db: Queryable, name: string): Promise<Generation[]> {
  // Nothing of it is known to be ours yet: whatever a look at it would set off would run with our rights.
  await assertOwnSchema(db, LEDGER_SCHEMA, null, false);
  try {
    const found = await db.query<Generation>(
      `SELECT b.name, coalesce((to_jsonb(b) ->> 'generation')::int, 1) AS generation, b.settings AS stored,
              coalesce(to_jsonb(b) -> 'model_use', '[]') AS usage,
              to_jsonb(b) ->> 'dropped_at' IS NOT NULL AS "isDropped",
              (SELECT ${RUN} FROM ${LEDGER_SCHEMA}.run r WHERE r.backfill = b.name ORDER BY r.id DESC LIMIT 1) AS run
         FROM ${LEDGER_SCHEMA}.backfill b WHERE b.name = $1 OR to_jsonb(b) ->> 'of_backfill' = $1 ORDER BY 2`,
      [backfillOf(name)],
    );
    return found.rows;
  } catch (error) {
    if (hasSqlState(error, SQLSTATE.schemaMissing, SQLSTATE.tableMissing)) return [];
    throw error;
  }
}

/** Those that have a column and a run to speak of. */
export const presentGenerations = async (db: Queryable, name: string): Promise<Generation[]> =>
  (await allGenerations(db, name)).filter(({ isDropped }) => !isDropped);
