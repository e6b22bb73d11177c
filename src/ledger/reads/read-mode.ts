/** By which search the applications' reads are answered: kept here, so that a change is one for all of them. */

import { backfillOf } from '../../config/values/generation-name.ts';
import type { Queryable } from '../../db/pool.ts';
import { utf8, utf8Sql } from '../../db/utf8-text.ts';

export const READ_MODES = ['legacy', 'shadow', 'canary', 'interleave', 'vector', 'hybrid'] as const;
export type ReadMode = (typeof READ_MODES)[number];

/** A search that answers alone: the legacy one, or that by the vectors of a generation. */
export type ReadBase =
  | { mode: 'legacy'; generation: null }
  | { mode: 'vector' | 'hybrid'; generation: number };

export interface ReadChoice {
  mode: ReadMode;
  /** Share of the reads that the vector search answers, or has a part in, 1 to 100; null but for canary and interleave. */
  percent: number | null;
  /** Whose vectors answer, or are tried; null in mode legacy. */
  generation: number | null;
  /** In shadow, canary and interleave, what answers besides; in vector and hybrid, where a rollback leads. */
  base: ReadBase;
}

export interface ReadModeState extends ReadChoice {
  /** ISO 8601; null where it was never changed. */
  since: string | null;
  /** Database role and user of the system. */
  by: string | null;
}

export const LEGACY_BASE: ReadBase = { mode: 'legacy', generation: null };

export const LEGACY_READS: ReadChoice = {
  mode: 'legacy',
  percent: null,
  generation: null,
  base: LEGACY_BASE,
};

/** Modes in which every read is answered with the help of vectors. */
export const readsVectors = ({ mode }: Pick<ReadChoice, 'mode'>): boolean =>
  mode === 'vector' || mode === 'hybrid';

/** Modes in which one search is tried beside another one. */
export const isTrialMode = (mode: ReadMode): mode is 'shadow' | 'canary' | 'interleave' =>
  mode === 'shadow' || mode === 'canary' || mode === 'interleave';

/** Trials in which some answers are, in whole or in part, those of the search that is tried. */
export const answersInPart = (mode: ReadMode): boolean => mode === 'canary' || mode === 'interleave';

/** The search that a rollback leads to, as a choice. */
export const baseOf = ({ base }: ReadChoice): ReadChoice => ({ ...base, percent: null, base: LEGACY_BASE });

/** Generations by whose vectors reads are answered, in whole or in part; a shadow answers nothing. */
export function answeringGenerations({ mode, generation, base }: ReadChoice): number[] {
  const besides = isTrialMode(mode) ? [base.generation] : [];
  return [...(mode === 'shadow' ? [] : [generation]), ...besides].filter((each) => each !== null);
}

/** Generations that reads would use now, or after a rollback. */
export const readGenerations = ({ generation, base }: ReadChoice): number[] =>
  [generation, base.generation].filter((each) => each !== null);

/** `canary:10` → mode and share; null where it is no mode. */
export function parseReadMode(text: string): Pick<ReadChoice, 'mode' | 'percent'> | null {
  const shared = /^(canary|interleave):(\d{1,3})$/.exec(text);
  if (shared !== null) {
    const percent = Number(shared[2]);
    return percent >= 1 && percent <= 100 ? { mode: shared[1] as 'canary' | 'interleave', percent } : null;
  }
  const mode = READ_MODES.find((each) => each === text);
  return mode === undefined || answersInPart(mode) ? null : { mode, percent: null };
}

/** Without the generations, as it is typed. */
export const showReadMode = ({ mode, percent }: Pick<ReadChoice, 'mode' | 'percent'>): string =>
  percent === null ? mode : `${mode}:${percent}`;

/** With the generations, where one is meant that is not the first: `canary:10 of generation 2, the rest vector of generation 1`. */
export function showReadChoice(choice: ReadChoice): string {
  const shown = showReadMode(choice);
  const { mode, generation, base } = choice;
  if (generation === null || (generation === 1 && base.generation === null)) return shown;
  const own = `${shown} of generation ${generation}`;
  if (base.generation === null || readsVectors(choice)) return own;
  const besides = `${base.mode} of generation ${base.generation}`;
  if (mode === 'interleave') return `${own} with ${besides}, which answers the rest`;
  return mode === 'shadow' ? `${own} beside ${besides}` : `${own}, the rest ${besides}`;
}

interface Row {
  mode: ReadMode;
  percent: number | null;
  generation: number;
  trial: { mode: 'shadow' | 'canary'; percent: number | null; generation: number } | null;
  previous: { mode: 'vector' | 'hybrid'; generation: number } | null;
  /** A release that does not know of it takes the mode for the shadow that stands beside it. */
  interleave: number | null;
}

/** As JSON in one column, for whoever joins it; of a row `m` of read_mode. A ledger of an earlier release knows one generation. */
export const READ_CHOICE_SQL = `jsonb_build_object('mode', m.mode, 'percent', m.percent, 'generation', coalesce((to_jsonb(m) ->> 'generation')::int, 1),
    'trial', CASE WHEN to_jsonb(m) ->> 'trial_mode' IS NOT NULL THEN jsonb_build_object('mode', to_jsonb(m) -> 'trial_mode',
      'percent', to_jsonb(m) -> 'trial_percent', 'generation', to_jsonb(m) -> 'trial_generation') END,
    'interleave', to_jsonb(m) -> 'interleave_percent',
    'previous', CASE WHEN to_jsonb(m) ->> 'previous_mode' IS NOT NULL THEN jsonb_build_object('mode', to_jsonb(m) -> 'previous_mode',
      'generation', to_jsonb(m) -> 'previous_generation') END)`;

/** @param row of READ_CHOICE_SQL; null where there is none */
export function readChoiceOf(row: unknown): ReadChoice {
  if (row === null || row === undefined) return LEGACY_READS;
  const { mode, percent, generation, trial, previous, interleave } = row as Row;
  if (mode === 'legacy') return LEGACY_READS;
  const interleaved = interleave === null ? {} : ({ mode: 'interleave', percent: interleave } as const);
  if (trial !== null)
    return {
      ...trial,
      ...interleaved,
      base: mode === 'hybrid' ? { mode, generation } : { mode: 'vector', generation },
    };
  return { mode, percent, generation, ...interleaved, base: previous ?? LEGACY_BASE };
}

/** `lock`: for the rest of the transaction, together with the backfill, so that of two changes one comes after the other. */
export async function readModeOf(db: Queryable, name: string, lock = false): Promise<ReadModeState> {
  const backfill = backfillOf(name);
  if (lock)
    await db.query('SELECT 1 FROM pgvector_backfill.backfill WHERE name = $1 FOR NO KEY UPDATE', [backfill]);
  const found = await db.query<{ choice: unknown; since: Date; by: string }>(
    `SELECT ${READ_CHOICE_SQL} AS choice, changed_at AS since, changed_by AS by FROM pgvector_backfill.read_mode m WHERE backfill = $1`,
    [backfill],
  );
  const row = found.rows[0];
  if (row === undefined) return { ...LEGACY_READS, since: null, by: null };
  return {
    ...readChoiceOf(row.choice),
    since: row.since.toISOString(),
    by: row.by === '' ? null : row.by,
  };
}

/** Of the first generation where none is named, and beside the legacy search. */
export type WantedReads = Pick<ReadChoice, 'mode' | 'percent'> & Partial<ReadChoice>;

/** Takes effect at the commit: each client looks again within its bound. */
export async function saveReadMode(
  db: Queryable,
  name: string,
  choice: WantedReads,
  { by, reason }: { by: string; reason: string },
): Promise<void> {
  const { mode, percent, generation = null, base = LEGACY_BASE } = choice;
  const interleave = mode === 'interleave' ? percent : null;
  const kept = mode === 'interleave' ? ({ mode: 'shadow', percent: null } as const) : { mode, percent };
  const isTrial = isTrialMode(mode) && base.generation !== null;
  const answers = isTrial ? { ...base, percent: null } : { ...kept, generation };
  const trial = isTrial ? { ...kept, generation } : null;
  const previous = !isTrial && base.generation !== null ? base : null;
  await db.query(
    `INSERT INTO pgvector_backfill.read_mode
       (backfill, mode, percent, changed_by, reason, generation, trial_mode, trial_percent, trial_generation, previous_mode, previous_generation, interleave_percent)
     VALUES ($1, $2, $3, ${utf8Sql('$4')}, ${utf8Sql('$5')}, coalesce($6, 1), $7, $8, $9, $10, $11, $12)
     ON CONFLICT (backfill) DO UPDATE SET mode = excluded.mode, percent = excluded.percent, changed_by = excluded.changed_by,
       reason = excluded.reason, changed_at = clock_timestamp(), generation = excluded.generation, trial_mode = excluded.trial_mode,
       trial_percent = excluded.trial_percent, trial_generation = excluded.trial_generation, previous_mode = excluded.previous_mode,
       previous_generation = excluded.previous_generation, interleave_percent = excluded.interleave_percent`,
    [
      backfillOf(name),
      answers.mode,
      answers.percent,
      utf8(by),
      utf8(reason),
      answers.generation,
      trial?.mode ?? null,
      trial?.percent ?? null,
      trial?.generation ?? null,
      previous?.mode ?? null,
      previous?.generation ?? null,
      interleave,
    ],
  );
}

/** Since it was changed, by the server's clock; Infinity where it never was. */
export async function msSinceReadMode(db: Queryable, name: string): Promise<number> {
  const found = await db.query<{ ms: number }>(
    'SELECT extract(epoch FROM clock_timestamp() - changed_at)::float8 * 1000 AS ms FROM pgvector_backfill.read_mode WHERE backfill = $1',
    [backfillOf(name)],
  );
  return found.rows[0]?.ms ?? Infinity;
}
