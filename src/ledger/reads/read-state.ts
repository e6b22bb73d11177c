/** All that a search needs to know of its backfill and of the generations of it, in one look at the ledger. */

import { generationName, parseGenerationName } from '../../config/values/generation-name.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import { assertOwnSchema } from '../../db/own-schema.ts';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { ConfigError } from '../../errors.ts';
import {
  LEGACY_READS,
  READ_CHOICE_SQL,
  readChoiceOf,
  readGenerations,
  readsVectors,
  type ReadChoice,
} from './read-mode.ts';
import { isReadyRun, type Run } from '../run/run.ts';
import { EQUAL_FUSION, knownFusion, type Fusion } from './fusion.ts';
import { knownReadSettings, type ReadSettings } from './read-settings.ts';

export interface ReadState extends ReadChoice {
  /** Those that are there, by their numbers; none where nothing is known of the backfill (yet, or any more). */
  generations: GenerationState[];
  /** There is more than one, or was: options that an application gives may be of another one. */
  hasMore: boolean;
}

export interface GenerationState {
  /** Of its rows in the ledger. */
  name: string;
  generation: number;
  /** Options as they were at its last `enqueue`; null where it is not in the ledger. */
  stored: Record<string, unknown> | null;
  /** Another one where the options are others. */
  version: string;
  /** What the rows' vectors are made with; null before the first run. */
  run: PlannedRun | null;
  read: ReadSettings;
  fusion: Fusion;
}

/** Of the latest run. */
export type PlannedRun = Pick<Run, 'id' | 'fingerprint'> &
  Partial<Pick<Run, 'scope' | 'embedding' | 'state'>>;

const UNKNOWN: ReadState = { ...LEGACY_READS, generations: [], hasMore: false };

interface Row {
  choice: unknown;
  name: string;
  isDropped: boolean;
  stored: Record<string, unknown>;
  version: string;
  run: PlannedRun | null;
  read: Record<string, unknown>;
}

/** Read as JSON: a column that the ledger of an older release does not have yet is absent, and no error. */
const PLANNED = `jsonb_build_object('id', r.id::text, 'fingerprint', r.fingerprint, 'state', r.state, 'embedding', to_jsonb(r) -> 'embedding', 'scope', to_jsonb(r) -> 'scope')`;

/** Without a ledger, or of one older than read modes: reads are legacy. @throws ConfigError where the right to look is missing */
export async function loadReadState(db: Queryable, backfill: string): Promise<ReadState> {
  // Nothing of it is known to be ours: whatever a look at it would set off would run with the application's rights.
  await assertOwnSchema(db, LEDGER_SCHEMA, null, false);
  try {
    const found = await db.query<Row>(
      `SELECT b.name, to_jsonb(b) ->> 'dropped_at' IS NOT NULL AS "isDropped", b.settings AS stored,
              extract(epoch FROM b.updated_at)::text AS version, b.read_settings AS read,
              (SELECT ${PLANNED} FROM ${LEDGER_SCHEMA}.run r WHERE r.backfill = b.name ORDER BY r.id DESC LIMIT 1) AS run,
              (SELECT ${READ_CHOICE_SQL} FROM ${LEDGER_SCHEMA}.read_mode m WHERE m.backfill = $1) AS choice
         FROM ${LEDGER_SCHEMA}.backfill b WHERE b.name = $1 OR starts_with(b.name, $1 || '@')`,
      [backfill],
    );
    const [first] = found.rows;
    if (first === undefined) return UNKNOWN;
    const generations = found.rows
      .filter(({ isDropped }) => !isDropped)
      .map(({ name, stored, version, run, read }) => ({
        name,
        generation: parseGenerationName(name).generation,
        stored,
        version: `${run?.id ?? ''} ${version}`,
        run,
        read: knownReadSettings(read),
        fusion: knownFusion(read),
      }))
      .sort((a, b) => a.generation - b.generation);
    return { ...readChoiceOf(first.choice), generations, hasMore: found.rows.length > 1 };
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

/** One that the ledger does not have stands for the backfill where nothing is known of it. */
export const unknownGeneration = (backfill: string, generation = 1): GenerationState => ({
  name: generationName({ backfill, generation }),
  generation,
  stored: null,
  version: '',
  run: null,
  read: {},
  fusion: EQUAL_FUSION,
});

/** Verified and indexed: reads may be moved to it. */
export const isReady = ({ run }: GenerationState): boolean => isReadyRun(run);

/** Whose vectors answer a read that the legacy search does not; where none do, those that would: the newest that is ready. */
export function answeringState(state: ReadState): GenerationState | undefined {
  const { generations, generation, base } = state;
  const number = readsVectors(state) ? generation : (base.generation ?? generation);
  return number === null
    ? (generations.findLast(isReady) ?? generations.at(-1))
    : generations.find((each) => each.generation === number);
}

/** Reads go by them now, or would after a rollback. */
export const readStates = (state: ReadState): GenerationState[] =>
  readGenerations(state).flatMap(
    (number) => state.generations.find((each) => each.generation === number) ?? [],
  );

/** By whose options the legacy search asks: those of the first, as an earlier release does. */
export const legacyState = ({ generations }: ReadState): GenerationState | undefined => generations[0];
