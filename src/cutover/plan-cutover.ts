/** What a cut-over would do, whether the gate lets it, and doing it. */

import type { Config } from '../config/load.ts';
import { backfillOf } from '../config/values/generation-name.ts';
import type { Pool } from '../db/pool.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { baseOf, readModeOf, showReadChoice, type ReadChoice } from '../ledger/reads/read-mode.ts';
import type { ReadReport } from '../ledger/reads/read-report.ts';
import type { Run } from '../ledger/run/run.ts';
import { followScope } from '../ledger/run/scope.ts';
import { READ_MODE_SEEN_SECONDS } from '../search/create-search.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';
import { liveGeneration } from '../ledger/generation/choose.ts';
import { allGenerations } from '../ledger/generation/generation.ts';
import { changeReads, runMoves, type RunMove } from './change-reads.ts';
import { currentUser } from './current-user.ts';
import { cutoverGate, type GateResult } from './cutover-gate.ts';
import { functionOfReads, type FunctionOfReads } from './function-of-reads.ts';
import { readerReports } from './reader-reports.ts';
import { loadLibrarySql, settingsOfReads, type SearchFunction } from './search-function.ts';
import { plainSearchSql } from './search-function-sql.ts';
import { tryReadMode } from './try-read-mode.ts';
import { comingGeneration } from './wanted-reads.ts';

export interface CutoverRequest {
  to: ReadChoice;
  /** Why although the gate does not pass. */
  override: string | null;
  /** Why at all; kept in the event log. */
  reason: string;
}

export interface CutoverPlan {
  from: ReadChoice;
  gate: GateResult;
  readers: ReadReport[];
  /** One line each; empty where there is nothing to do. */
  lines: string[];
  notes: string[];
  /** Moves reads, and what reads have in SQL. */
  execute: () => Promise<void>;
  sql: {
    /** Null where it is not made. */
    function: string | null;
    query: string;
  };
}

export async function planCutover(
  pool: Pool,
  config: Config,
  run: Run,
  { to, override, reason }: CutoverRequest,
): Promise<CutoverPlan> {
  const { backfill, settings } = config;
  // What is made for reads is the run's, also where the gate is passed by with other options.
  const followed = followScope(run, settings);
  const target = await describeTarget(pool, backfill, followed);
  const from = await readModeOf(pool, backfill);
  const readers = await readerReports(pool, run, to);
  const read = await settingsOfReads(pool, target);
  const trial = await tryReadMode({ pool, target, settings: followed, read }, to);
  const verified = await cutoverGate(pool, target, run, settings);
  const gate = refusedBy(refusedBy(verified, readers.refusal), trial.refusal);
  const made = (await functionOfReads(pool, config, to)) as FunctionOfReads;
  const { inSql } = made;
  const coming = await comingGeneration(pool, backfill, to);
  const moves = runMoves(await allGenerations(pool, backfill), to);
  const passedBy = gate.passed ? null : override;
  return {
    from,
    gate,
    readers: readers.reports,
    lines: planLines(moves, from, to, inSql, passedBy),
    notes: [
      ...trial.notes,
      ...(readers.note === null ? [] : [readers.note]),
      ...notesOf(inSql, from, to, coming),
    ],
    sql: {
      function: inSql.obstacle === null ? inSql.name : null,
      query: plainSearchSql(made.target, made.metric, made.read),
    },
    execute: async () => {
      await changeReads(pool, run, {
        from,
        to,
        reason,
        override: passedBy,
        detail: { verification: gate.verification?.id ?? null },
        statements: inSql.statements,
        prepare: loadLibrarySql(made.target),
      });
    },
  };
}

/** The refusal of a cut-over that was to be executed. */
export async function recordRefusal(
  pool: Pool,
  run: Run,
  { from, gate }: CutoverPlan,
  to: ReadChoice,
): Promise<void> {
  await recordEvent(pool, {
    backfill: backfillOf(run.backfill),
    run: run.id,
    level: 'warn',
    kind: 'reads.refused',
    message: `${showReadChoice(from)} → ${showReadChoice(to)}: ${gate.reason}`,
    detail: { by: await currentUser(pool) },
  });
}

/** What stands against it besides the verification. */
const refusedBy = (gate: GateResult, refusal: string | null): GateResult =>
  refusal === null
    ? gate
    : { ...gate, passed: false, reason: gate.passed ? refusal : `${gate.reason}; ${refusal}` };

function planLines(
  moves: readonly RunMove[],
  from: ReadChoice,
  to: ReadChoice,
  inSql: SearchFunction,
  override: string | null,
): string[] {
  const lines = inSql.statements.map((sql) => `${sql};`);
  if (showReadChoice(from) === showReadChoice(to)) return lines;
  if (override !== null) lines.push(`pass by the gate, for this reason: ${override}`);
  lines.push(
    `read mode ${showReadChoice(from)} → ${showReadChoice(to)}; applications see it within ${READ_MODE_SEEN_SECONDS} s`,
  );
  for (const move of moves) lines.push(`run ${move.id}: ${move.from} → ${move.to}`);
  return lines;
}

function notesOf(
  { name, obstacle }: SearchFunction,
  from: ReadChoice,
  to: ReadChoice,
  coming: number | null,
): string[] {
  const back = to.base.generation === null ? '' : ` (to ${showReadChoice(baseOf(to))})`;
  const [before, live] = [liveGeneration(from), liveGeneration(to)];
  return [
    ...(obstacle === null ? [] : [`the function ${name} is not made: ${obstacle}`]),
    ...(obstacle !== null || before === null || live === null || before === live
      ? []
      : [
          `the function ${name} asks by the vectors of generation ${live} from then on: whoever calls it makes the query's vector with that model`,
        ]),
    ...(coming === null ? [] : [`generation ${coming} is ready: --generation ${coming} moves reads to it`]),
    `Back at any time${back}: pgvector-backfill rollback --execute`,
  ];
}
