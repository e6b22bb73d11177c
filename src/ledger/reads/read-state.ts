/** All that a search needs to know of its backfill, in one look at the ledger. */

import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import { assertOwnSchema } from '../../db/own-schema.ts';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { ConfigError } from '../../errors.ts';
import { LEGACY_READS, type ReadChoice } from './read-mode.ts';
import type { Run } from '../run/run.ts';
import { knownReadSettings, type ReadSettings } from './read-settings.ts';

export interface ReadState extends ReadChoice {
  /** Options as they were at the last `enqueue`; null where the backfill is not known (yet, or any more). */
  stored: Record<string, unknown> | null;
  /** Another one where the options are others. */
  version: string;
  /** What the rows' vectors are made with; null before the first run. */
  run: PlannedRun | null;
  read: ReadSettings;
}

/** Of the latest run. */
export type PlannedRun = Pick<Run, 'id' | 'fingerprint'> & Partial<Pick<Run, 'scope' | 'embedding'>>;

const UNKNOWN: ReadState = { ...LEGACY_READS, stored: null, version: '', run: null, read: {} };

interface Row extends ReadChoice {
  stored: Record<string, unknown>;
  version: string;
  run: PlannedRun | null;
  read: Record<string, unknown>;
}

/** Read as JSON: a column that the ledger of an older release does not have yet is absent, and no error. */
const PLANNED = `jsonb_build_object('id', r.id::text, 'fingerprint', r.fingerprint, 'embedding', to_jsonb(r) -> 'embedding', 'scope', to_jsonb(r) -> 'scope')`;

/** Without a ledger, or of one older than read modes: reads are legacy. @throws ConfigError where the right to look is missing */
export async function loadReadState(db: Queryable, backfill: string): Promise<ReadState> {
  // Nothing of it is known to be ours: whatever a look at it would set off would run with the application's rights.
  await assertOwnSchema(db, LEDGER_SCHEMA, null, false);
  try {
    const found = await db.query<Row>(
      `SELECT coalesce(m.mode, 'legacy') AS mode, m.percent, b.settings AS stored, extract(epoch FROM b.updated_at)::text AS version, b.read_settings AS read,
              (SELECT ${PLANNED} FROM ${LEDGER_SCHEMA}.run r WHERE r.backfill = b.name ORDER BY r.id DESC LIMIT 1) AS run
         FROM ${LEDGER_SCHEMA}.backfill b LEFT JOIN ${LEDGER_SCHEMA}.read_mode m ON m.backfill = b.name WHERE b.name = $1`,
      [backfill],
    );
    const row = found.rows[0];
    if (row === undefined) return UNKNOWN;
    return { ...row, version: `${row.run?.id ?? ''} ${row.version}`, read: knownReadSettings(row.read) };
  } catch (error) {
    if (hasSqlState(error, SQLSTATE.schemaMissing, SQLSTATE.tableMissing, SQLSTATE.columnMissing))
      return UNKNOWN;
    if (!hasSqlState(error, SQLSTATE.privilege)) throw error;
    throw new ConfigError(`This role may not look up the read mode of ${backfill}.`, {
      code: 'READ_MODE_RIGHTS',
      remedy: `GRANT USAGE ON SCHEMA ${LEDGER_SCHEMA} TO the role, SELECT on its tables backfill, run and read_mode, and SELECT, INSERT, UPDATE on read_stats, read_times and read_report.`,
      cause: error,
    });
  }
}
