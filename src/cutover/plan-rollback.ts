/** Reads go back: to the generation before, or to the legacy search. Needs neither a model nor a verification, nor what is left behind. */

import type { Config } from '../config/load.ts';
import { generationName } from '../config/values/generation-name.ts';
import type { Pool } from '../db/pool.ts';
import { codeOf } from '../db/sqlstates.ts';
import { NoRunError, messageOf } from '../errors.ts';
import { ledgerVersion, migrate } from '../db/migrate.ts';
import { allGenerations } from '../ledger/generation/generation.ts';
import {
  LEGACY_READS,
  baseOf,
  readModeOf,
  showReadChoice,
  type ReadChoice,
} from '../ledger/reads/read-mode.ts';
import { READ_MODE_SEEN_SECONDS } from '../search/create-search.ts';
import { changeReads, runMoves, type ChangeOf } from './change-reads.ts';
import { functionOfReads } from './function-of-reads.ts';
import { loadLibrarySql } from './search-function.ts';

export interface RollbackPlan {
  from: ReadChoice;
  to: ReadChoice;
  /** One line each; empty where there is nothing to do. */
  lines: string[];
  notes: string[];
  /** @returns notes on what could not be done besides */
  execute: (reason: string) => Promise<string[]>;
}

/** @param toLegacy whatever generation was before. @throws NoRunError where nothing was enqueued yet */
export async function planRollback(pool: Pool, config: Config, toLegacy: boolean): Promise<RollbackPlan> {
  const { backfill } = config;
  if ((await ledgerVersion(pool)) === 0) throw new NoRunError(backfill);
  // All who ask for it write to the ledger, and a way back must not wait for another command.
  await migrate(pool);
  const from = await readModeOf(pool, backfill);
  const all = await allGenerations(pool, backfill);
  if (all.every(({ run }) => run === null)) throw new NoRunError(backfill);
  const wanted = toLegacy ? LEGACY_READS : baseOf(from);
  const isGone =
    wanted.generation !== null &&
    !all.some((each) => each.generation === wanted.generation && !each.isDropped);
  const to = isGone ? LEGACY_READS : wanted;
  if (from.mode === 'legacy')
    return { from, to: LEGACY_READS, lines: [], notes: [], execute: () => Promise.resolve([]) };
  const notes = isGone ? [`generation ${wanted.generation} was dropped: back to the legacy search`] : [];
  const made = await functionOf(pool, config, to);
  const statements = made.statements.map((sql) => `${sql};`);
  return {
    from,
    to,
    lines: [
      ...statements,
      `read mode ${showReadChoice(from)} → ${showReadChoice(to)}; applications see it within ${READ_MODE_SEEN_SECONDS} s`,
      ...runMoves(all, to).map((move) => `run ${move.id}: ${move.from} → ${move.to}`),
    ],
    notes: [...notes, ...made.notes],
    execute: (reason) => execute(pool, ofChange(backfill, from, all), to, reason, made),
  };
}

const ofChange = (
  backfill: string,
  from: ReadChoice,
  all: Awaited<ReturnType<typeof allGenerations>>,
): ChangeOf => {
  const live = all.find(({ generation }) => generation === from.generation);
  return {
    backfill: generationName({ backfill, generation: from.generation ?? 1 }),
    id: live?.run?.id ?? null,
  };
};

interface Made {
  statements: readonly string[];
  prepare: string;
  notes: string[];
}

const NOTHING: Made = { statements: [], prepare: '', notes: [] };

/** That of the generation that answers again; what keeps it from being made keeps no reads. */
async function functionOf(pool: Pool, config: Config, to: ReadChoice): Promise<Made> {
  if (to.generation === null) return NOTHING;
  try {
    const made = await functionOfReads(pool, config, to);
    if (made === null) return NOTHING;
    const { name, statements, obstacle } = made.inSql;
    const notes = obstacle === null ? [] : [`the function ${name} is not made: ${obstacle}`];
    return { statements, prepare: loadLibrarySql(made.target), notes };
  } catch (error) {
    return { ...NOTHING, notes: [notMade(error)] };
  }
}

const notMade = (error: unknown): string =>
  `the search function is not made again (${codeOf(error) ?? 'UNEXPECTED'}: ${messageOf(error)}): until \`pgvector-backfill cutover\` makes it, it asks by the vectors of the generation that reads leave`;

async function execute(
  pool: Pool,
  of: ChangeOf,
  to: ReadChoice,
  reason: string,
  { statements, prepare }: Made,
): Promise<string[]> {
  const change = { to, reason, override: null, detail: {} };
  try {
    await changeReads(pool, of, { ...change, statements, prepare });
    return [];
  } catch (error) {
    if (statements.length === 0) throw error;
    // Reads come first.
    await changeReads(pool, of, { ...change, statements: [], prepare: '' });
    return [notMade(error)];
  }
}
